from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.plan_request import choice, milliseconds, moment, switch, text, whole_number

ISTANBUL = ZoneInfo("Europe/Istanbul")


@pytest.mark.parametrize(("given", "read"), [(1, 1), ("4", 4), (" 16 ", 16), (1024, 1024)])
def test_a_whole_number_may_come_as_text(given: object, read: int) -> None:
    assert whole_number(given, "partitions", 1_024) == read


@pytest.mark.parametrize("given", [0, -1, 1025, "0", "4.0", 4.0, "four", "", None, True, "1e3", [4]])
def test_other_numbers_are_refused_with_what_is_allowed(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"partitions is .*; allowed: a whole number from 1 to 1024"):
        whole_number(given, "partitions", 1_024)


@pytest.mark.parametrize(
    ("given", "read"), [(0, 0), (60, 60_000), ("60", 60_000), ("60 s", 60_000), ("5min", 300_000), ("1 h", 3_600_000)]
)
def test_a_duration_is_seconds_or_names_its_unit(given: object, read: int) -> None:
    assert milliseconds(given, "min_age") == read


@pytest.mark.parametrize("given", [-1, "-1", "60 m", "soon", "", None, 1.5, True])
def test_other_durations_are_refused(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"min_age is .*; allowed: seconds"):
        milliseconds(given, "min_age")


def test_a_choice_is_one_of_its_words() -> None:
    assert choice("timestamp", "order", ("file", "timestamp")) == "timestamp"
    with pytest.raises(ConfigurationError, match="order is 'time'; allowed: file or timestamp"):
        choice("time", "order", ("file", "timestamp"))


@pytest.mark.parametrize(
    ("given", "read"), [(True, True), ("true", True), ("False", False), (1, True), ("0", False), (False, False)]
)
def test_a_switch_may_come_as_text(given: object, read: bool) -> None:
    assert switch(given, "receipts") is read


@pytest.mark.parametrize("given", ["yes", "", None, 2, []])
def test_other_switches_are_refused(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"receipts is .*; allowed: true or false"):
        switch(given, "receipts")


@pytest.mark.parametrize(("given", "read"), [(None, ""), ("None", ""), ("", ""), (" a ", "a")])
def test_an_empty_field_is_no_text(given: object, read: str) -> None:
    assert text(given, "abandon_slice") == read


def test_a_text_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="abandon_slice is 7; allowed: text"):
        text(7, "abandon_slice")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-09-06", datetime.fromisoformat("2026-09-06")),
        ("20260906", datetime.fromisoformat("2026-09-06")),
        (20260906, datetime.fromisoformat("2026-09-06")),  # a template makes a number of such a text
        ("2026-09-06T12:30", datetime.fromisoformat("2026-09-06T12:30")),
        ("2026-09-06T12:30:00Z", datetime.fromisoformat("2026-09-06T15:30")),
        ("2026-09-06T12:30:00+03:00", datetime.fromisoformat("2026-09-06T12:30")),
        (None, None),
        ("", None),
    ],
)
def test_a_date_is_meant_as_a_wall_clock_shows_it_there(given: object, read: datetime | None) -> None:
    assert moment(given, "start_after", ISTANBUL) == read


@pytest.mark.parametrize("given", ["yesterday", "06.09.2026", "20260931", 2026])
def test_other_dates_are_refused(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"start_after is .*; allowed"):
        moment(given, "start_after", timezone.utc)
