from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_netmera_kinesis.exports.listing import (
    ExportPlace,
    date_in_name,
    glob_pattern,
    is_older,
    sending_order,
)
from airflow_netmera_kinesis.storage import FileInfo, Folder, LocalFolder

UTC = timezone.utc


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


def names(place: ExportPlace) -> list[str]:
    return sorted(info.name for info in place.files())


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("demoapp_EVENT_DATA_20260906.ndjson", "2026-09-06"),
        ("demoapp_EVENT_DATA_2026-09-06.csv", "2026-09-06"),
        ("demoapp_EVENT_DATA_2026_09_06.csv", "2026-09-06"),
        ("demoapp_2026.09.06.csv.gz", "2026-09-06"),
        ("demoapp_06.09.2026.csv", "2026-09-06"),
        ("2026/09/06/events.ndjson", "2026-09-06"),
        ("date=2026-09-06/part-00000.ndjson", "2026-09-06"),
        ("2026-09-05/events_20260906.ndjson", "2026-09-06"),
        ("events_20260905-20260906.csv", "2026-09-06"),
        ("events_2026090615.csv", "2026-09-06 15:00"),
        ("events_202609061530.csv", "2026-09-06 15:30"),
        ("events_20260906153045.csv", "2026-09-06 15:30:45"),
        ("events_20260906T153045Z.csv", "2026-09-06 15:30:45"),
        ("events_2026-09-06T15:30.csv", "2026-09-06 15:30"),
        ("events_20260906_240001.csv", "2026-09-06"),
    ],
)
def test_the_last_date_in_a_name_counts(name: str, start: str) -> None:
    date = date_in_name(name)
    assert date is not None
    assert date.start == datetime.fromisoformat(start)


@pytest.mark.parametrize(
    "name", ["events.csv", "1788000000000.json", "events_20260931.csv", "events_202613.csv", "12345"]
)
def test_what_is_not_a_date_is_none(name: str) -> None:
    assert date_in_name(name) is None


def test_files_follow_the_date_in_the_name_then_their_time_then_their_name() -> None:
    files = [
        FileInfo("c_20260907.csv", 1, at("2026-09-01")),
        FileInfo("b_20260906.csv", 1, at("2026-09-09")),
        FileInfo("a_20260906.csv", 1, at("2026-09-10")),
        FileInfo("z_20260906.csv", 1, at("2026-09-08")),
        FileInfo("y_20260906.csv", 1, at("2026-09-08")),
        FileInfo("undated.csv", 1, at("2026-09-06 12:00")),
    ]
    ordered = [info.name[0] for info in sorted(files, key=lambda info: sending_order(info, UTC))]
    assert ordered == ["y", "z", "b", "a", "u", "c"]


@pytest.mark.parametrize(
    ("name", "older"),
    [
        ("a_20260905.csv", True),
        ("a_20260906.csv", False),
        ("a_20260907.csv", False),
        ("old.csv", True),
        ("new.csv", False),
    ],
)
def test_older_than_a_day_are_files_whose_whole_day_is_before_it(name: str, older: bool) -> None:
    modified = {"old.csv": "2026-09-05 23:59:59", "new.csv": "2026-09-06 00:00:00"}.get(name, "2020-01-01")
    assert is_older(FileInfo(name, 1, at(modified)), datetime.fromisoformat("2026-09-06"), UTC) is older


def test_a_folder_means_everything_below_it_but_not_what_is_hidden_or_still_being_copied(folder: Folder) -> None:
    for name in ("a.ndjson", "2026/09/b.csv", ".hidden", ".trash/c.csv", "d.csv.tmp", "e.csv.filepart", "f.PART", "g~"):
        folder.write(name, b"x")
    assert names(ExportPlace(folder)) == ["2026/09/b.csv", "a.ndjson"]


def test_a_glob_stays_within_a_folder_unless_it_says_otherwise(folder: Folder) -> None:
    for name in ("a_1.csv", "a_2.csv.gz", "b_1.csv", "2026/a_3.csv", "2026/09/a_4.csv"):
        folder.write(name, b"x")
    assert names(ExportPlace(folder, glob="a_*.csv")) == ["a_1.csv"]
    assert names(ExportPlace(folder, glob="a_?.csv*")) == ["a_1.csv", "a_2.csv.gz"]
    assert names(ExportPlace(folder, glob="*/a_*.csv")) == ["2026/a_3.csv"]
    assert names(ExportPlace(folder, glob="**/a_*.csv")) == ["2026/09/a_4.csv", "2026/a_3.csv", "a_1.csv"]
    assert names(ExportPlace(folder, glob="2026/**")) == ["2026/09/a_4.csv", "2026/a_3.csv"]
    assert names(ExportPlace(folder, glob="[!a]_1.csv")) == ["b_1.csv"]


def test_other_signs_of_a_glob_mean_themselves() -> None:
    assert glob_pattern("a+(1).csv").fullmatch("a+(1).csv")
    assert not glob_pattern("a.csv").fullmatch("axcsv")


def test_one_file_is_that_file_only(folder: Folder) -> None:
    for name in ("a.csv", "a.csv.2", "b.csv"):
        folder.write(name, b"x")
    assert names(ExportPlace(folder, file="a.csv")) == ["a.csv"]
    assert names(ExportPlace(folder, file="nothing.csv")) == []


def test_five_thousand_files_are_listed_and_sorted_in_seconds(tmp_path: Path) -> None:
    for number in range(5_000):
        (tmp_path / f"demoapp_EVENT_DATA_20260906_{number:06d}.ndjson").touch()
    started = time.process_time()
    files = sorted(ExportPlace(LocalFolder(tmp_path)).files(), key=lambda info: sending_order(info, UTC))
    assert len(files) == 5_000
    assert time.process_time() - started < 1
