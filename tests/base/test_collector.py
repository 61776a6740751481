"""Objects are made without collections, and collections go on afterwards."""

import gc

import pytest

from cvbench_tui.base.collector import no_collection


def broken() -> None:
    with no_collection():
        assert not gc.isenabled()
        raise ValueError("wrong")


def test_collections_rest_meanwhile_and_go_on_also_after_an_error() -> None:
    with pytest.raises(ValueError, match="wrong"):
        broken()
    assert gc.isenabled()


def test_where_they_rest_already_they_go_on_resting() -> None:
    gc.disable()
    with no_collection():
        assert not gc.isenabled()
    assert not gc.isenabled()
