from __future__ import annotations

import pytest

from airflow_netmera_kinesis.errors import LeaseTaken
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.state.open_slice import OpenSlice, begin_slice, end_slice, mark_closing, open_slice
from airflow_netmera_kinesis.state.slice import Slice, Target
from airflow_netmera_kinesis.storage import Folder


def a_slice(slice_id: str, predecessor: str = "") -> Slice:
    return Slice(
        slice_id, "/exports", (), (), (), ExportFormat(), 1, "file", Target("eu-central-1"), predecessor, created_ms=1
    )


def test_one_slice_at_a_time_is_open_and_says_which_it_follows(folder: Folder) -> None:
    assert open_slice(folder) is None
    begin_slice(folder, a_slice("a"))
    assert open_slice(folder) == OpenSlice("a")
    end_slice(folder, "a")
    assert open_slice(folder) is None
    begin_slice(folder, a_slice("b", predecessor="a"))
    assert open_slice(folder) == OpenSlice("b", predecessor="a")


def test_it_is_marked_as_closing_and_the_mark_can_be_taken_back(folder: Folder) -> None:
    begin_slice(folder, a_slice("a"))
    mark_closing(folder, "a", closing=True)
    assert open_slice(folder) == OpenSlice("a", closing=True)
    mark_closing(folder, "a", closing=True)
    mark_closing(folder, "a", closing=False)
    assert open_slice(folder) == OpenSlice("a")


def test_a_plan_that_wakes_up_late_neither_opens_its_slice_beside_another_nor_marks_that(folder: Folder) -> None:
    begin_slice(folder, a_slice("b"))
    with pytest.raises(LeaseTaken, match=r"somebody else plans or commits .*: this process was paused"):
        begin_slice(folder, a_slice("late"))
    with pytest.raises(LeaseTaken):
        mark_closing(folder, "late", closing=True)
    assert open_slice(folder) == OpenSlice("b")


def test_a_commit_that_wakes_up_late_does_not_close_the_slice_of_another(folder: Folder) -> None:
    begin_slice(folder, a_slice("b"))
    end_slice(folder, "late")
    assert open_slice(folder) == OpenSlice("b")
