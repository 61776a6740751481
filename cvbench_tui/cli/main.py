"""The command line: declares commands and options, hands over to the rest, turns errors into exit codes.

Exit codes: 0 all rows measured, 1 some failed, 2 a user's mistake, 130 interrupted. This module imports
click and nothing heavier; everything else is imported inside the command that needs it, so that ``--help``
and ``--version`` answer at once. Whatever a command prints is ASCII where the terminal takes no more.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

from cvbench_tui import __version__
from cvbench_tui.cli.options import ascii_option, complete, layout_option, plain_option, runs_dir_option
from cvbench_tui.errors import CvbenchError, SelectionError

EXTRA_NAMES = ("energy", "flushed", "alone", "device_only")
PROTOCOL_NAMES = ("quick", "default", "rigorous", "original")
SHELLS = ("bash", "zsh", "fish")
INTERRUPTED = 130
DRAWING = (None, "tui")
"""Commands that open the app, which has a driver of its own for terminals of ASCII."""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="cvbench-tui")
@ascii_option
@runs_dir_option
@click.pass_context
def cli(context: click.Context, runs_dir: str | None, ascii: bool) -> int | None:  # noqa: A002
    """Honest timings of vision models and single layers on your own GPU or CPU.

    Without a command, opens the app.
    """
    if context.invoked_subcommand not in DRAWING:
        _print_ascii(ascii)
    if context.invoked_subcommand is not None:
        return None
    from cvbench_tui.cli.app import open_app
    from cvbench_tui.terminal import why_no_app

    why = why_no_app()
    if not why:
        return open_app(None, runs_dir=runs_dir, ascii=ascii)
    _print_ascii(ascii)
    from cvbench_tui.cli.run import run_without_app

    return run_without_app(why, runs_dir=runs_dir)


@cli.command()
@click.argument("preset", required=False, shell_complete=complete("presets"))
@ascii_option
@runs_dir_option
def tui(preset: str | None, runs_dir: str | None, ascii: bool) -> int:  # noqa: A002
    """Open the app, with the ticks of PRESET (a shipped name or a .toml file)."""
    from cvbench_tui.cli.app import open_app
    from cvbench_tui.terminal import why_no_app

    why = why_no_app()
    if why:
        raise CvbenchError(why, "Without the app: cvbench-tui run " + (preset or "quick"))
    return open_app(preset, runs_dir=runs_dir, ascii=ascii)


@cli.command()
@click.argument("preset", required=False, shell_complete=complete("presets"))
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--expose", is_flag=True, help="Allow a --host that other machines reach. There is no password.")
@ascii_option
@runs_dir_option
def serve(preset: str | None, runs_dir: str | None, ascii: bool, **where: Any) -> int:  # noqa: A002
    """Open the app in a browser, with the ticks of PRESET: a process of its own for every page.

    Saving there is a download. Closing the page ends its run; finished rows stay in the run file.
    """
    from cvbench_tui.serve.command import app_command, serve_command

    return serve_command(app_command(preset, runs_dir, ascii=ascii), **where)


@cli.command()
@click.argument("preset", required=False, shell_complete=complete("presets"))
@click.option("-m", "--models", multiple=True, help="Models, separated by commas.", shell_complete=complete("models"))
@click.option("-l", "--layers", multiple=True, help="Layers, separated by commas.", shell_complete=complete("layers"))
@click.option("-d", "--devices", multiple=True, help="Devices, e.g. cpu,cuda:0. Default: the first accelerator.")
@click.option("-b", "--batch", type=int, help="Batch of every case. Default: 8; Resnet101 and Resnet152 4.")
@click.option("--image", type=int, help="Side of the input image in pixels. Default: each model's own.")
@click.option("--protocol", type=click.Choice(PROTOCOL_NAMES), help="How long to measure. Default: default.")
@click.option(
    "--extra", "extras", multiple=True, type=click.Choice(EXTRA_NAMES), help="Measure this beside; may be repeated."
)
@layout_option
@click.option("-o", "--output", multiple=True, type=click.Path(), help="Save as .md, .json or .csv; may be repeated.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@plain_option
@click.option("--json-lines", is_flag=True, help="Print every event as a JSON line instead of the table.")
@click.option("--dry-run", is_flag=True, help="Show what would be measured, and about how long it takes.")
@ascii_option
@runs_dir_option
def run(preset: str | None, runs_dir: str | None, **options: Any) -> int:
    """Measure PRESET (a shipped name or a .toml file), or what -m and -l name, and print the table."""
    from cvbench_tui.cli.run import Outputs, measure, selection_from

    _print_ascii(options["ascii"])
    _refuse_both(options["plain"], options["layout"])
    selection = selection_from(
        preset,
        models=_split(options["models"]),
        layers=_split(options["layers"]),
        devices=_split(options["devices"]),
        batch=options["batch"],
        image=options["image"],
        protocol=options["protocol"],
        extras=options["extras"],
    )
    outputs = Outputs(options["output"], options["layout"], options["quiet"], options["json_lines"], options["plain"])
    return measure(selection, outputs, runs_dir=runs_dir, dry_run=options["dry_run"])


@cli.command("list")
@click.argument("what", type=click.Choice(("models", "layers", "devices", "presets", "runs")), required=False)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@runs_dir_option
def list_(what: str | None, as_json: bool, runs_dir: str | None) -> int:
    """List what can be measured, or the runs there are. Without WHAT: models, layers and presets."""
    from cvbench_tui.cli.list import print_list

    print_list(what, as_json=as_json, runs_dir=runs_dir)
    return 0


@cli.command()
@click.argument("run_reference", metavar="[RUN]", default="last", shell_complete=complete("runs"))
@layout_option
@click.option("--sort", help="Column to sort by.", shell_complete=complete("columns"))
@click.option("--descending", is_flag=True, help="Largest first.")
@plain_option
@ascii_option
@runs_dir_option
def show(run_reference: str, runs_dir: str | None, layout: str | None, **options: Any) -> int:
    """Print the table of RUN: a path, an id, a unique prefix of one, or 'last'."""
    from cvbench_tui.cli.run import load_run, print_run

    _print_ascii(options.pop("ascii"))
    _refuse_both(options["plain"], layout)
    print_run(load_run(run_reference, runs_dir), layout, **options)
    return 0


@cli.command()
@click.argument("run_reference", metavar="[RUN]", default="last", shell_complete=complete("runs"))
@click.option("-o", "--output", multiple=True, required=True, type=click.Path(), help="A .md, .json or .csv file.")
@layout_option
@runs_dir_option
def export(run_reference: str, output: tuple[str, ...], layout: str | None, runs_dir: str | None) -> int:
    """Save RUN (a path, an id, a unique prefix of one, or 'last') as markdown, JSON or CSV."""
    from cvbench_tui.cli.run import Outputs, load_run

    outputs = Outputs(output, layout)
    outputs.check()
    outputs.write(load_run(run_reference, runs_dir))
    return 0


@cli.command()
@runs_dir_option
def doctor(runs_dir: str | None) -> int:
    """Say what is installed, what each device offers, what the terminal can do, and where files go."""
    from cvbench_tui.cli.doctor import report

    return report(runs_dir)


@cli.command()
@click.option("-d", "--device", help="Device to test, e.g. cpu, cuda:0. Default: the first accelerator.")
@click.option("--thorough", is_flag=True, help="More workloads and more repeats: about half an hour.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def selftest(device: str | None, thorough: bool, as_json: bool) -> int:
    """Prove on this machine that the numbers are right: about two minutes.

    Exit code 0 when nothing failed; a line is undecided where the machine is too noisy to tell.
    """
    from cvbench_tui.selftest.program import selftest as prove

    return prove(device=device, thorough=thorough, as_json=as_json)


@cli.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script of SHELL, e.g. eval "$(cvbench-tui completion bash)"."""
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is None:
        raise CvbenchError(f"No completion for {shell}.")
    click.echo(completer(cli, {}, "cvbench-tui", "_CVBENCH_TUI_COMPLETE").source())
    return 0


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    """Comma-separated and repeated options alike. Raises SelectionError for an option that names nothing."""
    names = tuple(piece.strip() for value in values for piece in value.split(",") if piece.strip())
    if values and not names:
        raise SelectionError("An option names nothing to measure.", "Leave it out, or name something after it.")
    return names


def _refuse_both(plain: bool, layout: str | None) -> None:
    """Raises SelectionError for sentences that are to have a table's layout."""
    if plain and layout:
        raise SelectionError("--plain and --layout exclude each other.", "--plain prints sentences, no table.")


def _print_ascii(asked: bool) -> None:
    """What is printed from now on is ASCII, if asked or if the terminal takes no more."""
    from cvbench_tui.cli.ascii_streams import only_ascii

    only_ascii(asked)


def _complain(text: str) -> None:
    """A line on stderr."""
    _print_ascii(False)
    sys.stderr.write(text + "\n")


def main() -> None:
    """The entry point: runs a command and exits with its code."""
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        return int(cli.main(standalone_mode=False, prog_name="cvbench-tui") or 0)
    except CvbenchError as error:
        _complain(f"cvbench-tui: {error.message}" + f"\n  {error.hint}" * bool(error.hint))
        return error.exit_code
    except click.ClickException as error:
        _print_ascii(False)
        error.show(sys.stderr)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _complain("cvbench-tui: the output cannot be written: no space left.")
        elif error.errno != errno.EPIPE:
            raise
        # Whoever read stdout has gone; point it elsewhere so that the interpreter's last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
