"""Every place that has keys, with its title: what the help, the manual and the check of remapped keys go through.

It imports every dialog, so the app imports it only when one of those three is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from cvbench_tui.tui.keys.bindings import APP_KEYS
from cvbench_tui.tui.screens import (
    base,
    busy,
    columns,
    detail,
    jump,
    layers,
    main,
    own_code,
    plan_settings,
    presets,
    run_name,
    runs,
    save,
)
from cvbench_tui.tui.screens.compare.along import AlongScreen
from cvbench_tui.tui.screens.compare.details import BothDetails
from cvbench_tui.tui.screens.compare.screen import CompareScreen
from cvbench_tui.tui.screens.help import HelpScreen, Page, Places
from cvbench_tui.tui.screens.text.page import TextScreen
from cvbench_tui.tui.widgets import choices, detail_view, filter_input, log_pane, path_input, tick_line
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.compare_table import CompareTable
from cvbench_tui.tui.widgets.line_table import LineTable
from cvbench_tui.tui.widgets.result_table import ResultTable
from cvbench_tui.tui.widgets.results_pane import ResultsPane

PLACES: dict[str, tuple[type[DOMNode], ...]] = {
    "In a list": (Checklist,),
    "In a filter": (filter_input.PaneFilter,),
    "In the results": (ResultTable, ResultsPane),
    "In a table": (LineTable,),
    "In a row's detail": (detail_view.DetailView, detail.DetailScreen),
    "In a comparison": (CompareTable, CompareScreen),
    "In the details of a comparison": (BothDetails,),
    "In the choice of an axis": (AlongScreen,),
    "In the log": (log_pane.LogPane,),
    "In the save dialog": (save.SaveScreen, path_input.PathInput),
    "In the plan's settings": (plan_settings.SettingsScreen, tick_line.TickLine),
    "In the presets": (presets.PresetsScreen,),
    "In the columns": (columns.ColumnsScreen,),
    "In a model's layers": (layers.LayersScreen,),
    "In the dialog of your own model": (own_code.OwnCodeScreen,),
    "In the saved runs": (runs.RunsScreen,),
    "In the name of a run": (run_name.RunNameScreen,),
    "In a dialog's list and its filter": (choices.DialogList, filter_input.ListFilter),
    "In a dialog's choice": (choices.RadioList,),
    "In a trend and a verdict": (TextScreen,),
    "In a question": (base.ConfirmScreen,),
    "On a busy machine": (busy.BusyScreen,),
    "Among the jump letters": (jump.JumpScreen,),
    "In the help": (HelpScreen, Page),
}
"""By title, the widgets whose keys work there."""
ANYWHERE = "Anywhere"


def _declared(*lists: Sequence[BindingType]) -> list[Binding]:
    return [binding for each in lists for binding in each if isinstance(binding, Binding)]


def places(focused: DOMNode | None = None) -> Places:
    """All of them, those that the widget with the focus is in before the others."""
    around = list(focused.ancestors_with_self) if focused is not None else []
    near = {title for title, widgets in PLACES.items() if any(isinstance(node, widgets) for node in around)}
    found = [(ANYWHERE, _declared(APP_KEYS, main.MainScreen.BINDINGS))]
    found += [(title, _declared(*(widget.BINDINGS for widget in widgets))) for title, widgets in PLACES.items()]
    return sorted(found, key=lambda place: place[0] not in near)


def all_bindings() -> list[Binding]:
    """Every key that can be remapped."""
    return [binding for _, bindings in places() for binding in bindings]
