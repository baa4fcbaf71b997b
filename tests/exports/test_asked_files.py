from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from airflow_netmera_kinesis.again_request import names, period_of
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.asked_files import files_named, files_of_period
from airflow_netmera_kinesis.storage import FileInfo

ISTANBUL = ZoneInfo("Europe/Istanbul")
MODIFIED = int(datetime(2026, 9, 20, 12, tzinfo=ISTANBUL).timestamp() * 1000)
LISTED = [FileInfo(name, 1, MODIFIED) for name in (
    "app_20260907.csv", "app_20260905.csv", "app_20260906.csv", "old/app_20260801.csv", "undated.csv",
)]  # fmt: skip


@pytest.mark.parametrize(
    ("from_date", "to_date", "chosen"),
    [
        ("2026-09-05", "2026-09-05", ["05"]), ("2026-09-05", "2026-09-06", ["05", "06"]),
        (20260906, "20260907", ["06", "07"]),
        ("2026-08-02", "20260906", ["05", "06"]), ("2026-09-06T12:00", "2026-09-06T12:00", ["06"]),
        ("2026-08-02", "2026-08-31", []), ("2026-09-05T21:00:00Z", "2026-09-07", ["06", "07"]),
    ],
)  # fmt: skip
def test_both_ends_belong_to_the_period(from_date: object, to_date: object, chosen: list[str]) -> None:
    period = period_of(from_date, to_date, ISTANBUL)
    found = files_of_period(LISTED, period.since, period.until, ISTANBUL)
    assert [info.name for info in found] == [f"app_202609{day}.csv" for day in chosen]


@pytest.mark.parametrize(("day", "meant"), [("2026-09-19", []), ("2026-09-20", ["undated.csv"]), ("2026-09-21", [])])
def test_a_file_without_a_date_is_of_the_day_on_which_it_was_modified(day: str, meant: list[str]) -> None:
    period = period_of(day, day, ISTANBUL)
    assert [info.name for info in files_of_period(LISTED, period.since, period.until, ISTANBUL)] == meant


def test_a_period_may_be_open_at_one_end() -> None:
    since, until = period_of("2026-09-07", None, ISTANBUL), period_of(None, "2026-08-31", ISTANBUL)
    assert [info.name for info in files_of_period(LISTED, since.since, None, ISTANBUL)] == [
        "app_20260907.csv", "undated.csv",
    ]  # fmt: skip
    assert [info.name for info in files_of_period(LISTED, None, until.until, ISTANBUL)] == ["old/app_20260801.csv"]


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="from_date is '2026-09-06' and to_date '2026-09-05'"):
        period_of("2026-09-06", "2026-09-05", ISTANBUL)


def test_files_are_meant_by_name_or_glob_each_once_and_in_sending_order() -> None:
    asked = ("app_20260907.csv", "app_2026090[56].csv", "app_*.csv", "old/*")
    assert [info.name for info in files_named(LISTED, asked, ISTANBUL)] == [
        "old/app_20260801.csv", "app_20260905.csv", "app_20260906.csv", "app_20260907.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("app_20260801.csv", r"files names 'app_20260801.csv', .*; is 'old/app_20260801.csv' meant\?"),
        ("*.xlsx", r"files names '\*.xlsx', which is not among the 5 exports$"),
    ],
)
def test_a_name_that_is_nobodys_is_told(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        files_named(LISTED, (name,), ISTANBUL)


@pytest.mark.parametrize("value", ["a.csv, b.csv", "a.csv\nb.csv\n", ["a.csv", " b.csv "], ("a.csv", "b.csv", "a.csv")])
def test_names_come_as_a_list_or_as_text(value: object) -> None:
    assert names(value, "files") == ("a.csv", "b.csv")


def test_names_that_are_none_are_refused() -> None:
    assert names(None, "files") == names("None", "files") == ()
    with pytest.raises(ConfigurationError, match=r"reasons names 'BROKEN'; allowed: MALFORMED"):
        names("BROKEN", "reasons", ("MALFORMED",))
    with pytest.raises(ConfigurationError, match="files is 7; allowed: a list of names"):
        names(7, "files")
