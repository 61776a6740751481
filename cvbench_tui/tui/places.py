"""Every place that has keys, with its title: what the help, the manual and the check of remapped keys go through.

It imports every dialog, so the app imports it only when one of those three is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from cvbench_tui.tui.keys.bindings import APP_KEYS
from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.columns import ColumnsScreen
from cvbench_tui.tui.screens.detail import DetailScreen
from cvbench_tui.tui.screens.help import HelpScreen, Page, Places
from cvbench_tui.tui.screens.jump import JumpScreen
from cvbench_tui.tui.screens.main import MainScreen
from cvbench_tui.tui.screens.plan_settings import SettingsScreen
from cvbench_tui.tui.screens.presets import PresetsScreen
from cvbench_tui.tui.screens.runs import RunsScreen
from cvbench_tui.tui.screens.save import SaveScreen
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.detail_view import DetailView
from cvbench_tui.tui.widgets.filter_input import ListFilter, PaneFilter
from cvbench_tui.tui.widgets.log_pane import LogPane
from cvbench_tui.tui.widgets.option_list import DialogList
from cvbench_tui.tui.widgets.path_input import PathInput
from cvbench_tui.tui.widgets.radio_list import RadioList
from cvbench_tui.tui.widgets.result_table import ResultTable
from cvbench_tui.tui.widgets.results_pane import ResultsPane

PLACES: dict[str, tuple[type[DOMNode], ...]] = {
    "In a list": (Checklist,),
    "In a filter": (PaneFilter,),
    "In the results": (ResultTable, ResultsPane),
    "In a row's detail": (DetailView, DetailScreen),
    "In the log": (LogPane,),
    "In the save dialog": (SaveScreen, PathInput),
    "In the plan's settings": (SettingsScreen,),
    "In the presets": (PresetsScreen,),
    "In the columns": (ColumnsScreen,),
    "In the saved runs": (RunsScreen,),
    "In a dialog's list and its filter": (DialogList, ListFilter),
    "In a dialog's choice": (RadioList,),
    "In a question": (ConfirmScreen,),
    "Among the jump letters": (JumpScreen,),
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
    found = [(ANYWHERE, _declared(APP_KEYS, MainScreen.BINDINGS))]
    found += [(title, _declared(*(widget.BINDINGS for widget in widgets))) for title, widgets in PLACES.items()]
    return sorted(found, key=lambda place: place[0] not in near)


def all_bindings() -> list[Binding]:
    """Every key that can be remapped."""
    return [binding for _, bindings in places() for binding in bindings]
