from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.netmera.timestamp import FIRST_MILLISECONDS, LAST_MILLISECONDS, TimeReader

MIDNIGHT = 1_788_728_400_000  # 2026-09-07 00:00 in Istanbul, 2026-09-06 21:00 in UTC
ISTANBUL = TimeReader("Europe/Istanbul")
BERLIN = TimeReader("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "later_by_ms"),
    [
        ("1788728400000", 0),
        ("1788728400", 0),
        ("1788728400.25", 250),
        ("1.7887284e12", 0),
        ("2026-09-06T21:00:00Z", 0),
        ("2026-09-06T21:00:00.123456Z", 123),
        ("2026-09-06T21:00:00,5z", 500),
        ("2026-09-07T00:00:00+03:00", 0),
        ("2026-09-07T00:00:00+0300", 0),
        ("2026-09-06T16:00:00-05", 0),
        ("2026-09-06 21:00:00 UTC", 0),
        ("20260906T210000Z", 0),
        ("2026-09-07 00:00:00", 0),
        ("2026-09-07T00:00:00", 0),
        ("2026-09-07 00:00:59", 59_000),
        ("2026-09-07 00:00", 0),
        ("2026-09-07", 0),
        (" 2026-09-07 00:00:01 ", 1000),
    ],
)
def test_every_documented_form_is_read(text: str, later_by_ms: int) -> None:
    assert ISTANBUL.read(text) == MIDNIGHT + later_by_ms


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "not-a-time", "2026-13-01", "2026-02-30", "2026-09-07 24:00:00", "2026-09-07 00:00:60", "-5",
     "07.09.2026", "1e99", "1" * 40, "0001-01-01", "\u0662\u0660\u0662\u0666-09-07", "2026-09-07 21", "1_788_728_400",
     "nan", "+1788728400",
     "2026-09-07T00:00:00+25:00"],
)  # fmt: skip
def test_what_fits_no_form_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ISTANBUL.read(text)


def test_a_number_is_seconds_up_to_the_boundary_and_milliseconds_from_it_on() -> None:
    assert ISTANBUL.read(str(FIRST_MILLISECONDS - 1)) == (FIRST_MILLISECONDS - 1) * 1000
    assert ISTANBUL.read(str(FIRST_MILLISECONDS)) == FIRST_MILLISECONDS
    assert ISTANBUL.read("0") == 0


def test_the_last_time_is_the_end_of_the_year_9999() -> None:
    assert ISTANBUL.read(str(LAST_MILLISECONDS)) == LAST_MILLISECONDS
    with pytest.raises(ValueError, match="out of range"):
        ISTANBUL.read(str(LAST_MILLISECONDS + 1))


def test_of_a_local_time_that_comes_twice_the_first_is_meant() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)  # 02:30 summer time, and an hour later 02:30 again
    assert BERLIN.read("2026-10-25 02:30:00") == first.timestamp() * 1000
    assert BERLIN.read("2026-10-25 02:30:01") == first.timestamp() * 1000 + 1000


def test_a_local_time_that_clocks_leave_out_counts_from_before_the_change() -> None:
    assert BERLIN.read("2026-03-29 02:30:00") == datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc).timestamp() * 1000


def test_istanbul_was_two_hours_ahead_before_it_stayed_on_summer_time() -> None:
    assert ISTANBUL.read("2016-01-15 12:00:00") == datetime(2016, 1, 15, 10, tzinfo=timezone.utc).timestamp() * 1000


WALL_CLOCKS = st.datetimes(datetime(1971, 1, 1), datetime(2040, 1, 1))


@given(WALL_CLOCKS, st.sampled_from(["Europe/Berlin", "Asia/Kolkata"]))
def test_what_is_remembered_of_a_minute_is_what_the_zone_says(local: datetime, zone: str) -> None:
    reader = TimeReader(zone)
    for moment in (local, local.replace(second=0), local.replace(second=59)):
        exact = moment.replace(microsecond=0, tzinfo=ZoneInfo(zone), fold=0)
        since = exact.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
        assert reader.read(moment.strftime("%Y-%m-%d %H:%M:%S")) == since // timedelta(milliseconds=1)


def test_a_configured_format_is_the_one_that_counts() -> None:
    reader = TimeReader("Europe/Istanbul", "%d.%m.%Y %H:%M")
    assert reader.read("07.09.2026 00:00") == MIDNIGHT
    assert reader.read("07.09.2026 00:00") == MIDNIGHT  # remembered
    assert reader.read("1788728400000") == MIDNIGHT
    with pytest.raises(ValueError, match="not a time"):
        reader.read("2026-09-07 00:00:00")


def test_a_configured_format_of_digits_comes_before_epoch_numbers() -> None:
    assert TimeReader("Europe/Istanbul", "%Y%m%d%H%M%S").read("20260907000000") == MIDNIGHT


def test_a_zone_in_the_configured_format_is_heeded() -> None:
    assert TimeReader("Europe/Istanbul", "%d/%m/%Y %H:%M %z").read("06/09/2026 21:00 +0000") == MIDNIGHT
