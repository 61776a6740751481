"""Commands and options of the command line; turns errors into exit codes.

Exit codes: 0 all rows measured, 1 some failed (with --strict: or are below C) or an output could not be written, 2 a
user's mistake, 128 + n after signal n.
Each command imports its code when it is called, so that ``--help`` and ``--version`` answer at once: this module
imports click and a few light modules. Everything printed is ASCII where the terminal takes no more.
"""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cvbench_tui import __version__
from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.base.nearest import quoted
from cvbench_tui.cli import options
from cvbench_tui.cli.app import open_app
from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.cli.compare.command import compare
from cvbench_tui.cli.kept import keeping_commands
from cvbench_tui.cli.kept.history_commands import trend, verdict
from cvbench_tui.cli.options import complete, split_names
from cvbench_tui.cli.signals import Interrupted
from cvbench_tui.cli.single_options import SPLIT, CommaChoice, Commands, flat
from cvbench_tui.cli.surroundings import UNWRITABLE, check_folder, complain, flush, lost_output, open_closed
from cvbench_tui.cli.tables.commands import export, merge, show
from cvbench_tui.core.protocol import EXTRAS, PROTOCOLS, Extra
from cvbench_tui.errors import INTERRUPTED, CvbenchError, SelectionError
from cvbench_tui.terminal import prefer_own_size, why_no_app

if TYPE_CHECKING:
    from cvbench_tui.cli.outputs import Outputs
    from cvbench_tui.cli.run import How

SHELLS = ("bash", "zsh", "fish")
APP_COMMANDS = (None, "tui")  # they open the app, whose line filters write ASCII
ANYWHERE = ("list", "show", "compare", "trend", "completion")  # commands that need no current folder


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="cvbench-tui")
@options.ascii_option
@options.runs_dir_option
@click.pass_context
def cli(context: click.Context, runs_dir: str | None, ascii_only: bool) -> int | None:
    """Benchmark vision models and single layers on your own GPU or CPU.

    Without a command, opens the app.
    """
    if context.invoked_subcommand not in APP_COMMANDS:
        only_ascii(ascii_only)
    if context.invoked_subcommand not in ANYWHERE:
        check_folder()
    if context.invoked_subcommand is not None:
        return None
    why = why_no_app()
    if not why:
        return open_app(None, runs_dir=runs_dir, ascii=ascii_only)
    only_ascii(ascii_only)
    from cvbench_tui.cli.run import run_without_app

    return run_without_app(why, runs_dir=runs_dir)


@cli.command()
@options.preset_argument
@options.ascii_option
@options.runs_dir_option
def tui(preset: str | None, runs_dir: str | None, ascii_only: bool) -> int:
    """Open the app with PRESET (a shipped name or a .toml file) selected."""
    why = why_no_app()
    if why:
        raise CvbenchError(why, "Without the app: cvbench-tui run " + (preset or "quick"))
    return open_app(preset, runs_dir=runs_dir, ascii=ascii_only)


@cli.command()
@options.preset_argument
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--expose", is_flag=True, help="Allow a --host that other machines can reach. Nothing is encrypted.")
@click.option("--max-pages", type=click.IntRange(1, 1000), default=8, show_default=True, help="Pages at a time.")
@options.ascii_option
@options.runs_dir_option
def serve(
    preset: str | None, port: int, host: str, expose: bool, max_pages: int, runs_dir: str | None, ascii_only: bool
) -> int:
    """Open the app in a browser, with PRESET selected: each page is a process of its own.

    The printed address has a token, without which nobody gets in.
    Saving is a download. Closing the page ends its run; finished rows stay in the run file.
    """
    from cvbench_tui.serve.command import app_command, serve_command

    command = app_command(preset, runs_dir, ascii=ascii_only)
    return serve_command(command, host=host, port=port, expose=expose, max_pages=max_pages)


@cli.command()
@options.preset_argument
@click.option("-m", "--models", multiple=True, help="Models, separated by commas.", shell_complete=complete("models"))
@click.option("-l", "--layers", multiple=True, help="Layers, separated by commas.", shell_complete=complete("layers"))
@click.option(
    "-d", "--devices", multiple=True, shell_complete=complete("devices"),
    help="Devices, e.g. cpu,cuda:0. Default: the first accelerator.",
)  # fmt: skip
@click.option(
    "-b", "--batch", "batches", type=SPLIT, shell_complete=complete("batches"),
    help="Batch sizes, separated by commas; max: the largest that fits. Default: 8; Resnet101 and Resnet152 4.",
)  # fmt: skip
@click.option(
    "--image", "images", type=SPLIT, help="Sides of the input image in pixels, e.g. 160,224. Default: each model's own."
)
@click.option("--protocol", type=click.Choice(tuple(PROTOCOLS)), help="How precisely to measure. Default: default.")
@click.option(
    "--extra", "extras", multiple=True, type=CommaChoice(tuple(EXTRAS)), callback=flat,
    help="Secondary metrics, separated by commas.",
)  # fmt: skip
@click.option(
    "--phases", type=SPLIT, shell_complete=complete("phases"),
    help="What is measured: forward, backward, total, inference, step. Default: all but step.",
)  # fmt: skip
@options.axes
@options.env_option
@click.option("--name", default="", help="Call the run so; the name can stand wherever a run is named.")
@click.option("--tag", "tags", multiple=True, help="Give the run this tag; may be repeated.")
@options.alternate_option
@options.measuring
def run(
    preset: str | None,
    models: tuple[str, ...],
    layers: tuple[str, ...],
    devices: tuple[str, ...],
    batches: tuple[str, ...] | None,
    images: tuple[str, ...] | None,
    protocol: str | None,
    extras: tuple[Extra, ...],
    phases: tuple[str, ...] | None,
    settings: dict[str, tuple[str, ...]],
    environments: tuple[str, ...],
    name: str,
    tags: tuple[str, ...],
    alternate: str,
    outputs: Outputs,
    how: How,
    runs_dir: str | None,
) -> int:
    """Measure PRESET (a shipped name or a .toml file), or the models of -m and layers of -l, and print the table."""
    from cvbench_tui.cli.run import measure, selection_from

    names = split_names(models), split_names(layers), split_names(devices)
    selection = selection_from(
        preset, *names, batches or (), images or (), protocol, extras, settings, phases or (), environments
    )
    selection = replace(selection, alternate=alternate or selection.alternate)
    return measure(selection, outputs, replace(how, name=name, tags=tags), runs_dir=runs_dir)


@cli.command()
@options.run_argument
@click.option("--failed", is_flag=True, help="Measure failed and skipped rows again too.")
@click.option("--busy", is_flag=True, help="Measure rows again too that other programs disturbed.")
@click.option("--invalid", is_flag=True, help="Measure rows of grade X again too.")
@click.option("--anyway", is_flag=True, help="Go on although the machine or its software is another.")
@click.option("-m", "--models", multiple=True, help="Code of your own in RUN that may be run: ./net.py:make.")
@click.option(
    "--env", "environments", metavar="NAME=WHERE", multiple=True, help="Environments of RUN that may be started."
)
@options.measuring
def resume(
    run_reference: str,
    models: tuple[str, ...],
    failed: bool,
    busy: bool,
    invalid: bool,
    anyway: bool,
    environments: tuple[str, ...],
    outputs: Outputs,
    how: How,
    runs_dir: str | None,
) -> int:
    """Go on with RUN (a path, an id, the beginning of one, a name, a tag, 'last', 'last~1') in its own file: measure
    the rows it lacks.

    Those are rows without an outcome, cancelled ones, and those that lack visits; what was measured stays.
    """
    from cvbench_tui.cli.resume import resume as go_on
    from cvbench_tui.results.stats.repeat import Also

    wanted: dict[Also, bool] = {"failed": failed, "busy": busy, "invalid": invalid}
    also = [what for what, chosen in wanted.items() if chosen]
    named = {"code": split_names(models), "environments": environments}
    return go_on(run_reference, also, outputs, how, anyway=anyway, runs_dir=runs_dir, **named)


@cli.command("list")
@click.argument(
    "what", type=click.Choice(("models", "layers", "axes", "devices", "presets", "runs", "published")), required=False
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@keeping_commands.filters
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@options.runs_dir_option
def list_(what: str | None, names: tuple[str, ...], wanted: dict[str, Any], as_json: bool, runs_dir: str | None) -> int:
    """List what can be measured, the saved runs, or the published figures. Without WHAT: models, layers and presets.

    With models NAME may follow: a source (timm, detection), a family or a part of names. With layers it is a model's:
    then the distinct layers of that model are listed, each with how often it is called and its share of the operations.
    With runs NAME is a word that what is known of them has: a device, a workload, a date, a name, a tag.
    """
    from cvbench_tui.cli.list import print_layers_of, print_list, print_models, print_runs

    if what == "runs":
        print_runs(names, wanted, as_json=as_json, runs_dir=runs_dir)
        return 0
    if wanted:
        raise SelectionError("Runs alone are chosen by such options.", "cvbench-tui list runs --device 1080")
    if names and (what not in ("models", "layers") or len(names) > 1):
        hint = "cvbench-tui list models timm, cvbench-tui list layers resnet50"
        raise SelectionError(f"Nothing of {quoted(' '.join(names))} can be listed but models and layers.", hint)
    if names:
        (print_models if what == "models" else print_layers_of)(names[0], as_json=as_json)
        return 0
    if what in ("axes", "devices"):  # the measuring process starts in it
        check_folder()
    print_list(what, as_json=as_json)
    return 0


@cli.command()
@options.runs_dir_option
def doctor(runs_dir: str | None) -> int:
    """Report versions, terminal, folders, devices, and what may disturb a measurement."""
    from cvbench_tui.cli.doctor import report

    return report(runs_dir)


@cli.command()
@click.option(
    "-d",
    "--device",
    shell_complete=complete("devices"),
    help="Device to test, e.g. cpu, cuda:0. Default: the first accelerator.",
)
@click.option("--quick", is_flag=True, help="Fewer workloads and fewer repeats: about a minute and a half.")
@click.option("--thorough", is_flag=True, help="More workloads and more repeats: about half an hour.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def selftest(device: str | None, quick: bool, thorough: bool, as_json: bool) -> int:
    """Check on this machine that the numbers are right: about two minutes.

    Exit code 0 when nothing failed; a line is undecided where the machine is too noisy to tell.
    """
    from cvbench_tui.selftest.context import QUICK, THOROUGH
    from cvbench_tui.selftest.program import selftest as prove

    if quick and thorough:
        raise SelectionError("--quick and --thorough exclude each other.", "Leave one of them out.")
    scope = QUICK if quick else THOROUGH if thorough else None
    return prove(device=device, scope=scope, as_json=as_json)


@cli.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script of SHELL, e.g. eval "$(cvbench-tui completion bash)"."""
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is None:
        raise CvbenchError(f"There is no completion for {shell}.")
    click.echo(completer(cli, {}, "cvbench-tui", "_CVBENCH_TUI_COMPLETE").source())
    return 0


for _command in (
    show, export, merge, compare, trend, verdict, keeping_commands.name, keeping_commands.delete,
    keeping_commands.undelete, keeping_commands.import_,
):  # fmt: skip
    cli.add_command(_command)


def _print_error(text: str) -> None:
    """Text from outside in it (a file's name, a worker's words) is shown letter for letter and never obeyed."""
    only_ascii()
    complain(visible(text))


def main() -> None:
    """Entry point: runs a command and exits with its code."""
    # By itself Python spends a fifth of showing 20,000 rows on looking for garbage that is not there.
    gc.set_threshold(50_000, 20, 100)
    open_closed()
    prefer_own_size()
    sys.exit(_exit_code())


def _exit_code() -> int:
    unwritten: OSError | None = None
    try:
        code = _run_command()
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is not None:  # that of a file is a bug, and loud
            raise
        code, unwritten = 1, error
    unwritten = flush() or unwritten
    if unwritten is not None:
        code = code or 1
        if sentence := lost_output(unwritten):
            _print_error(sentence)
    flush()
    return code


def _run_command() -> int:
    try:
        return int(cli.main(standalone_mode=False, prog_name="cvbench-tui") or 0)
    except CvbenchError as error:
        _print_error(f"cvbench-tui: {one_line(error.message)}" + f"\n  {error.hint}" * bool(error.hint))
        return error.exit_code
    except click.ClickException as error:
        only_ascii()
        with suppress(OSError):  # the exit code says it as well
            error.show(sys.stderr)
        return error.exit_code
    except Interrupted as interrupted:
        return interrupted.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
