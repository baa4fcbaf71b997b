from __future__ import annotations

import pytest

from airflow_netmera_kinesis.errors import StagingError
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.state.match_result import (
    FileResult,
    HookResult,
    MatchResult,
    load_result,
    save_result,
    whole_result,
)
from airflow_netmera_kinesis.state.staging import PartWriter
from airflow_netmera_kinesis.storage import Folder


def stage(folder: Folder) -> MatchResult:
    with PartWriter(folder, "slice", "purchases", 0, 2) as part:
        part.write(StagedRecord(0, 1, 0, "ayse", b"{}", "e1", None))
    files = (FileResult(0, "a.ndjson", 3, 1, 2, "digest", last_line=4, open_end=True, unmatched={"n:vp": 1}),)
    hooks = (HookResult(0, "purchases", 2, 1, {"MISSING_USER_ID": 1}),)
    result = MatchResult("slice", 2, files, hooks, (part.ref(),))
    save_result(folder, result)
    return result


def test_it_is_read_as_it_was_written(folder: Folder) -> None:
    result = stage(folder)
    assert load_result(folder, "slice", 2) == result


def test_a_group_whose_result_and_parts_are_whole_need_not_be_matched_again(folder: Folder) -> None:
    assert whole_result(folder, "slice", 2) is None
    result = stage(folder)
    assert whole_result(folder, "slice", 2) == result


@pytest.mark.parametrize("damage", [b"", b"x"])
def test_a_group_with_a_damaged_part_is_matched_again(folder: Folder, damage: bytes) -> None:
    result = stage(folder)
    folder.write(result.parts[0].name, damage)
    assert whole_result(folder, "slice", 2) is None
    folder.delete(result.parts[0].name)
    assert whole_result(folder, "slice", 2) is None


def test_a_missing_result_says_that_staging_must_be_shared(folder: Folder) -> None:
    with pytest.raises(StagingError, match=r"result of match group 2, .* is missing: staging must be shared"):
        load_result(folder, "slice", 2)


def test_a_result_that_cannot_be_read_says_what_to_do(folder: Folder) -> None:
    stage(folder)
    folder.write("slice/results/00002.json", b"{")
    with pytest.raises(StagingError, match=r"cannot be read .* Delete it and start a new run"):
        load_result(folder, "slice", 2)
