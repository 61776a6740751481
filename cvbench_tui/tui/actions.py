"""What each key of the app does: a line each, to one of the controllers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.screen import Screen

from cvbench_tui.tui.controllers.open import OpenController
from cvbench_tui.tui.controllers.run import RunController
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.controllers.save import SaveController
from cvbench_tui.tui.screens.main import MainScreen


class AppActions(App[int]):
    """The actions of ``keys.APP_KEYS``; ``BenchApp`` has everything else."""

    main_screen: MainScreen
    run_manager: RunManager
    run_controller: RunController
    save_controller: SaveController
    open_controller: OpenController

    def show(self, screen: Screen[Any], answer: Callable[[Any], None] | None = None) -> None:
        """Open a dialog over the main screen; over another dialog, nothing: a key pressed twice opens one."""
        if self.screen is self.main_screen:
            self.push_screen(screen, answer)

    def action_pane(self, pane: str) -> None:
        """Go to a pane."""
        self.main_screen.go_to(pane)

    def action_run(self) -> None:
        """Measure what is ticked, or add it to the current run."""
        self.run_controller.run()

    def action_again(self) -> None:
        """Measure rows without numbers again."""
        self.run_controller.again()

    def action_cancel(self) -> None:
        """Stop measuring."""
        self.run_controller.cancel()

    def action_skip(self) -> None:
        """Skip the current row."""
        self.run_manager.skip()

    def action_save(self, at_once: bool = False) -> None:
        """Save the table."""
        self.save_controller.save(at_once=at_once)

    def action_protocol(self) -> None:
        """Next protocol."""
        self.open_controller.next_protocol()

    def action_settings(self) -> None:
        """Protocol, batch and image size."""
        self.open_controller.settings()

    def action_presets(self) -> None:
        """Ready plans."""
        self.open_controller.presets()

    def action_runs(self) -> None:
        """Saved runs."""
        self.open_controller.runs()

    def action_help(self) -> None:
        """Keys, columns and grades."""
        self.open_controller.help()

    def action_theme(self) -> None:
        """Choose the colours."""
        from cvbench_tui.tui.screens.palette import theme_palette

        self.show(theme_palette())

    def action_command_palette(self) -> None:
        """Search everything there is; once."""
        from cvbench_tui.tui.screens.palette import Palette, command_palette

        if not any(isinstance(screen, Palette) for screen in self.screen_stack):
            self.push_screen(command_palette(self.open_controller.commands))

    async def action_quit(self) -> None:
        """Leave at once; during a run, ask once."""
        if not self.run_manager.running:
            self.exit(0)
            return
        from cvbench_tui.tui.screens.base import ConfirmScreen

        if not isinstance(self.screen, ConfirmScreen):
            question = "A benchmark is running. Stop it and quit? Finished rows are kept in the run file."
            answer = ConfirmScreen(question, "Stop and quit")
            self.push_screen(answer, lambda wanted: self.exit(0) if wanted else None)
