"""The app: its parts, and what it does with messages: state down to the widgets. Most actions are its controllers'."""

from __future__ import annotations

import gc
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.notifications import Notification, SeverityLevel
from textual.theme import Theme
from textual.timer import Timer

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.environment import CPU_INSTEAD, WAITING
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.table.view import View
from cvbench_tui.terminal import Terminal
from cvbench_tui.tui import messages
from cvbench_tui.tui.background.threads import BackgroundThread, read_history, read_models
from cvbench_tui.tui.controllers.add import AddController
from cvbench_tui.tui.controllers.compare import CompareController
from cvbench_tui.tui.controllers.gauges import GaugesController
from cvbench_tui.tui.controllers.open import RUNNING, OpenController
from cvbench_tui.tui.controllers.run import RunController
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.controllers.save import SaveController
from cvbench_tui.tui.controllers.settings import apply_settings, check_view, folder_for_saving, notify_problems
from cvbench_tui.tui.keys.bindings import APP_KEYS
from cvbench_tui.tui.screens.main import FIRST_HINT, MainScreen
from cvbench_tui.tui.state.forecast import Forecast
from cvbench_tui.tui.state.plan_summary import plan_line
from cvbench_tui.tui.state.run_state import RunState, moment
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.state.settings_store import SettingsStore
from cvbench_tui.tui.terminal.filters import filters_for
from cvbench_tui.tui.terminal.timers import sure_timer
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.result_table import ResultTable

TICK_S = 1.0  # how often elapsed time and ETA are drawn when no event comes, seconds
END_S = 1.5  # longest wait for a run's end when a signal ends the app, seconds
ANY_TERMINAL = Terminal()
COLLECT = (50_000, 20, 100)
"""Thresholds of the garbage collector: with 1,000 rows a collection of everything held the loop up for 0.4 s."""


class BenchApp(App[int], inherit_bindings=False):
    """The terminal app over any source of events."""

    TITLE = "cvbench-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_KEYS

    def __init__(
        self,
        source: EventSource,
        *,
        runs_folder: Path,
        selection: Selection | None = None,
        save_folder: Path | None = None,
        host: str | None = None,
        clock: Callable[[], float] = time.time,
        terminal: Terminal = ANY_TERMINAL,
        settings_store: SettingsStore | None = None,
        problems: tuple[str, ...] = (),
        named: list[ModelEntry] | None = None,
    ) -> None:
        """``clock``: seconds since the epoch. ``problems``: of the settings, shown as toasts after the first frame.
        ``named``: where models of the user's own code are noted that may be run; the source asks there."""
        self.terminal = terminal
        self._terminal_filters = filters_for(terminal)
        super().__init__(ansi_color=None if terminal.colour else True)
        self.settings_store = store = settings_store or SettingsStore()
        settings, host = store.settings, host or platform.node()
        self.plan_selection = PlanSelection(selection)
        self.forecast = Forecast(History(runs_folder))
        self.run_manager = RunManager(source, self.forecast.history, self.post_message, clock, self._state_changed)
        view = View(settings.sort or None, settings.descending, settings.group, columns=settings.columns)
        self.main_screen = screen = MainScreen(self.plan_selection, view, host)
        self.gauges = GaugesController(
            self.post_message, screen.gauges, self.plan_selection.devices, off=settings.gauges == "off"
        )
        self.add_controller = AddController(
            self, self.run_manager, self.plan_selection, [] if named is None else named, self._lists_changed
        )
        self.run_controller = RunController(
            self, self.run_manager, self.plan_selection, self.forecast, store, screen.strip, clock,
            self.add_controller.ask_for_code, self.add_controller.read_code,
        )  # fmt: skip
        folder, gone = folder_for_saving(settings)
        self.save_controller = SaveController(
            self, self.run_manager, screen.results, store, self, terminal, save_folder or folder, host, clock
        )
        self.compare_controller = CompareController(
            self, self.run_manager, screen.results, self.save_controller, self, self.post_message,
            self._choose_run, self.run_controller.again,
        )  # fmt: skip
        self.open_controller = OpenController(
            self, self.run_manager, self.plan_selection, screen.rebuild_lists, self.selection_changed, runs_folder,
            self.forecast.expected, self.compare_controller.files,
        )  # fmt: skip
        self._bind_actions()
        self._offered: object = None  # what the keys that are offered depend on
        self._end_code: int | None = None  # of a signal that ends the app; None: the user quits it
        self._toast: Notification | None = None  # the newest sentence that was said as one
        self._problems = [*problems, *gone, *apply_settings(self, store, terminal)]

    def _choose_run(self) -> None:
        self.open_controller.runs()

    def _bind_actions(self) -> None:
        """Actions that a controller does by itself: Textual calls ``action_run`` of the app for the key of ``run``."""
        self.action_pane = self.main_screen.go_to
        self.action_run = self.run_controller.run
        self.action_again = self.run_controller.again
        self.action_own_code = self.add_controller.own_code
        self.action_resume = self._resume
        self.action_cancel = self.run_controller.cancel
        self.action_skip = self.run_manager.skip
        self.action_save = self.save_controller.save
        self.action_protocol = self.open_controller.next_protocol
        self.action_settings = self.open_controller.settings
        self.action_presets = self.open_controller.presets
        self.action_runs = self.open_controller.runs
        self.action_compare = self.compare_controller.compare
        self.show = self.main_screen.show

    async def on_event(self, event: events.Event) -> None:
        """Wake the live gauges on user input."""
        if isinstance(event, (events.Key, events.MouseDown)) and self.gauges.thread is not None:
            self.gauges.thread.wake()
        await super().on_event(event)

    def set_timer(self, *args: Any, **options: Any) -> Timer:
        """Textual's, made sure: it waits with one for the end of a change of size."""
        return sure_timer(super().set_timer(*args, **options))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, then those for what this terminal cannot show."""
        return [*super().get_line_filters(), *self._terminal_filters]

    def get_default_screen(self) -> MainScreen:
        """The main screen at once: a blank screen below it would be styled and drawn first."""
        return self.main_screen

    def on_mount(self) -> None:
        """Ask for the devices once the screen is drawn."""
        self.animation_level = "none"
        self.ticker = self.set_interval(TICK_S, self.run_controller.show_progress, pause=True)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if not self.is_running:  # quit before the first frame, where a signal cannot be subscribed to any more
            return
        gc.freeze()
        gc.set_threshold(*COLLECT)
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        self.settings_store.complain = self._settings_unsaved
        if self.run_manager.state.status == "idle":
            self.run_manager.ask()
        self.selection_changed()
        BackgroundThread(self.post_message, read_models).start()
        BackgroundThread(self.post_message, read_history, self.forecast.history, lambda: not self.is_running).start()
        self.main_screen.results.view, problems = check_view(self.main_screen.results.view, self.settings_store)
        notify_problems(self, self._problems + problems)
        self.run_manager.offer_resume()

    def _state_changed(self, before: RunState, now: RunState) -> None:
        """Hand the new state down to the widgets that show it."""
        rows_changed = not now.same_rows(before)
        if now.running and not before.running:
            self.main_screen.go_to("results")
        if now.run is not None and rows_changed:
            self.main_screen.results.show(now)
            self.main_screen.detail_soon()
        if rows_changed or now.status != before.status:
            self.main_screen.show_state(now)
            offered, self._offered = self._offered, (now.status, bool(now.repeatable), bool(now.lacking))
            if offered != self._offered:  # the footer is made anew
                self.refresh_bindings()
        self.gauges.follow(now)
        if now.running:
            self.ticker.reset()  # it draws where no event comes; on top of them it would be one drawing more
            self.run_controller.show_progress()
        elif before.running:
            self.ticker.pause()

    @on(messages.Probed)
    def _probed(self, event: messages.Probed) -> None:
        queued = self.run_manager.state.status == "queued"
        self.forecast.environment = event.environment
        self.plan_selection.offer(event.environment)
        self.run_manager.probed(event.environment)
        self.main_screen.rebuild_lists()
        self.selection_changed()
        if str(self.main_screen.strip.visual).startswith(WAITING):
            self.say("")
        if self.plan_selection.missing:
            self.say(f"Not on this machine: {', '.join(self.plan_selection.missing)}.", bad=True)
        elif event.environment.why_no_accelerator and self.plan_selection.devices.ticked == ("cpu",):
            self.say(f"{CPU_INSTEAD}: {event.environment.why_no_accelerator}", bad=True)
        if queued:
            self.run_controller.run()

    @on(messages.ProbeFailed)
    def _probe_failed(self, event: messages.ProbeFailed) -> None:
        self.run_manager.probed(self.run_manager.state.environment, event.error)

    @on(messages.LayersListed)
    def _layers_listed(self, event: messages.LayersListed) -> None:
        self.add_controller.layers_listed(event)

    @on(Checklist.Opened)
    def _model_opened(self, event: Checklist.Opened) -> None:
        self.add_controller.list_layers(event.key)

    def _lists_changed(self) -> None:
        self.main_screen.rebuild_lists()
        self.selection_changed()

    @on(messages.RunRefused)
    def _run_refused(self) -> None:
        self.run_manager.refused()

    @on(messages.RunMoved)
    def _run_moved(self, event: messages.RunMoved) -> None:
        self.run_manager.moved(event.error)

    @on(messages.Failed)  # behind those of its kinds
    def _failed(self, event: messages.Failed) -> None:
        self.refuse(event.error)

    @on(messages.RunAdvanced)
    def _advanced(self, event: messages.RunAdvanced) -> None:
        self.run_manager.advanced(event.run)
        self.compare_controller.refresh()
        if event.run.ended is not None:
            self.main_screen.strip.show_ended(event.run)
            if self.settings_store.settings.autosave:
                self.save_controller.save(at_once=True)
            if self._end_code is not None:
                self.exit(return_code=self._end_code)

    @on(messages.Looked)
    def _looked(self, event: messages.Looked) -> None:
        self.run_controller.looked(event.watch, event.others)

    @on(messages.BecameIdle)
    def _became_idle(self, event: messages.BecameIdle) -> None:
        self.run_controller.became_idle(event.watch)

    @on(messages.RunOpened)
    def _run_opened(self, event: messages.RunOpened) -> None:
        if not self.run_manager.open(event.run, event.file):  # begun while the file was read
            self.say(RUNNING)
            return
        self.main_screen.go_to("results")
        self.say(f"Saved run, {moment(event.run.started_at_s)}")
        if self.open_controller.opened(event.file.path):
            self.run_controller.resume()

    @on(messages.Compared)
    def _compared(self, event: messages.Compared) -> None:
        self.compare_controller.compared(event)

    @on(messages.NotCompared)
    def _not_compared(self, event: messages.NotCompared) -> None:
        self.compare_controller.not_compared(event)

    @on(messages.ResumeOffered)
    def _resume_offered(self, event: messages.ResumeOffered) -> None:
        if self.run_manager.state.run is None and not self.run_manager.state.running:
            sentence = self.open_controller.offer(event.summary)
            self.main_screen.results.offer(sentence)
            if str(self.main_screen.strip.visual) == FIRST_HINT:  # it says nothing else
                self.say(sentence)
            self.refresh_bindings()

    def _resume(self) -> None:
        if self.run_manager.state.run is None:
            self.open_controller.resume_offered()
        else:
            self.run_controller.resume()

    @on(messages.Logged)
    def _logged(self) -> None:
        log = self.run_manager.log
        lines = log.lines
        self.main_screen.log_pane.show(lines, log.count)
        if self.run_manager.state.environment is None and lines and lines[-1].startswith(WAITING):
            self.main_screen.lists["devices"].say(f"{lines[-1]}...")
            self.say(f"{lines[-1]}...")  # on 80 columns the lists are not in view

    def _settings_unsaved(self, error: StoreError) -> None:
        """A toast, from any thread: the strip may say something about the run."""
        self.notify(visible(f"{error.message} {error.hint}"), title="Settings", severity="warning", markup=False)

    @on(messages.GaugeRead)
    def _gauge_read(self, event: messages.GaugeRead) -> None:
        self.main_screen.gauges.show(event.gauge, self.gauges.device_id, False, live=event.live)

    @on(messages.Crashed)
    def _crashed(self, event: messages.Crashed) -> None:
        raise event.error

    @on(messages.ModelsRead)
    def _models_read(self, event: messages.ModelsRead) -> None:
        self.plan_selection.offer_models(event.entries, first=True)
        self.main_screen.rebuild_lists()
        self.selection_changed()

    @on(messages.HistoryRead)
    @on(Checklist.Changed)
    def selection_changed(self) -> None:
        """Other things are ticked or set, or earlier runs' times are known: update lists, plan line and invitation."""
        screen, state = self.main_screen, self.run_manager.state
        if self.plan_selection.remember(self.forecast.past_text, self.forecast.history.version):
            for name in ("models", "layers"):
                screen.lists[name].lines.update_columns()
        screen.results.invite(ready=bool(self.plan_selection.workloads))
        screen.show_plan(plan_line(self.plan_selection, state.environment, expected=self.forecast.expected))
        screen.show_state(state)
        if not state.running:
            self.gauges.follow(state)

    @on(messages.ViewChanged)
    def _view_changed(self) -> None:
        view = self.main_screen.results.view
        self.settings_store.put(
            sort=view.sort or "", descending=view.descending, group=view.group, columns=view.columns
        )

    @on(messages.CopyWanted)
    def _copy(self, event: messages.CopyWanted) -> None:
        self.save_controller.copy(event.text, event.what)

    @on(ResultTable.Opened)
    def _row_chosen(self, event: ResultTable.Opened) -> None:
        """Enter, or a second click, on a row."""
        from cvbench_tui.tui.screens.detail import DetailScreen

        results = self.main_screen.results
        if (run := results.whole) is not None:
            self.show(DetailScreen(run, event.key, results.table.keys, results.table.put_cursor))

    @on(messages.TrendWanted)
    def _trend_wanted(self, event: messages.TrendWanted) -> None:
        from cvbench_tui.tui.screens.text.trend import TrendScreen

        if not isinstance(self.screen, TrendScreen):  # a key pressed twice opens one
            self.push_screen(TrendScreen(self.forecast.history, event.run, event.case_id))

    def action_verdict(self) -> None:
        """Judge the devices of the run that is shown; without one, tick the preset that measures what is judged."""
        run = self.run_manager.state.run
        if run is None:
            ticked = self.plan_selection.devices.ticked
            self.open_controller.preset("open", "verdict-cpu" if tuple(ticked) == ("cpu",) else "verdict")
            return
        from cvbench_tui.tui.screens.text.verdict import VerdictScreen

        self.show(VerdictScreen(self.forecast.history, run))

    def _theme_chosen(self, theme: Theme) -> None:
        if self.terminal.colour:
            self.settings_store.put(theme=theme.name)

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence in the strip, or as a toast while a run has the strip."""
        if not self.run_manager.state.running:
            self.main_screen.strip.say(text, "bold $text-error" if bad else "")
            return
        # In place of the one before: they would pile up over a dialog's buttons. There is no public way.
        if self._toast is not None:
            self._unnotify(self._toast, refresh=False)
        severity: SeverityLevel = "error" if bad else "information"
        self._toast = Notification(visible(text), "", severity, self.NOTIFICATION_TIMEOUT, markup=False)
        self._notifications.add(self._toast)
        self._refresh_notifications()

    def refuse(self, error: CvbenchError) -> None:
        """Say what is wrong and what to do about it."""
        self.say(f"{error.message} {error.hint}".strip(), bad=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be used now is not offered. Called for every binding at every refresh."""
        state = self.run_manager.state
        if action in ("cancel", "skip"):
            return state.running or (action == "cancel" and (state.status == "queued" or state.beginning))
        if action == "again":
            return bool(state.repeatable)
        if action == "resume":
            offered = state.run is None and self.open_controller.offered is not None
            return not state.running and (offered or bool(state.lacking))
        if action == "own_code":  # this machine's files are not those of who looks at the page
            return not self.is_web
        return action != "suspend_process" or not self.is_web

    def action_help(self) -> None:
        """The keys of the pane with the focus, then all others, then columns, grades and reasons."""
        from cvbench_tui.tui.places import places
        from cvbench_tui.tui.screens.help import HelpScreen

        self.show(HelpScreen(places(self.screen.focused)))

    def action_theme(self) -> None:
        """Choose the colours."""
        from textual.theme import ThemeProvider

        from cvbench_tui.tui.screens.palette import Palette

        self.show(Palette([ThemeProvider], placeholder="Search for themes..."))

    def action_command_palette(self) -> None:
        """Open the command palette, once."""
        from cvbench_tui.tui.screens.palette import Palette, command_palette

        if not any(isinstance(screen, Palette) for screen in self.screen_stack):
            self.push_screen(command_palette(self.open_controller.commands))

    def end(self, code: int) -> None:
        """Stop the run and leave with that exit code, without a question."""
        self._end_code = code
        if not self.run_manager.state.running:
            self.exit(return_code=code)
            return
        self.run_manager.cancel()
        sure_timer(self.set_timer(END_S, lambda: self.exit(return_code=code)))

    async def action_quit(self) -> None:
        """Leave at once; during a run, ask once."""
        if not self.run_manager.state.running:
            self.exit(0)
            return
        from cvbench_tui.tui.screens.base import ConfirmScreen

        if not isinstance(self.screen, ConfirmScreen):
            question = "A benchmark is running. Stop it and quit? Finished rows are kept in the run file."
            answer = ConfirmScreen(question, "Stop and quit")
            self.push_screen(answer, lambda wanted: self.exit(0) if wanted else None)
