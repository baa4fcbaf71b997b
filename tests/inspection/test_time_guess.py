from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from airflow_netmera_kinesis.inspection.time_guess import FORMATS, guess_times
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

MOMENTS = [datetime(2026, 9, 13, 21, 30, 5) + timedelta(days=day, hours=day) for day in range(17)]
# The same times without seconds, or a date alone, are no less themselves in a shorter form.
UNSURE = {form for form in FORMATS if "%y" in form}


@pytest.mark.parametrize("form", sorted({*FORMATS} - UNSURE))
def test_each_form_is_found_out_or_one_that_reads_the_same(form: str) -> None:
    cells = [moment.strftime(form.replace("%z", "+0300")) for moment in MOMENTS]
    guess = guess_times(cells)
    assert guess is not None
    read = TimeReader("Europe/Istanbul", guess.time_format).read
    assert list(map(read, cells)) == list(map(TimeReader("Europe/Istanbul", form).read, cells))


@pytest.mark.parametrize(
    ("cells", "time_format", "has_zone"),
    [
        (["1788728400000", "1788728400001"], None, True),
        (["1788728400", "1788728401"], None, True),
        (["2026-09-06T21:30:05Z", "2026-09-06T21:30:05+03:00"], None, True),
        (["2026-09-06 21:30:05"], None, False),
        (["20260906"], "%Y%m%d", False),
        (["20260906213005"], "%Y%m%d%H%M%S", False),
        (["06.09.26 21:30"], "%d.%m.%y %H:%M", False),
    ],
)
def test_usual_forms_need_nothing_and_others_a_format(
    cells: list[str], time_format: str | None, has_zone: bool
) -> None:
    assert guess_times(cells) == (time_format, has_zone, False)


def test_a_few_damaged_cells_do_not_matter() -> None:
    assert guess_times(["2026-09-06 21:30:05"] * 3 + ["never"]) == (None, False, False)


@pytest.mark.parametrize("cells", [[], ["never"], ["5", "17", "300"], ["99.99"], ["Ankara", "2026-09-06"], ["532000"]])
def test_what_is_no_time_is_none(cells: list[str]) -> None:
    assert guess_times(cells) is None


def test_the_day_is_taken_to_come_first_and_doubt_is_told() -> None:
    assert guess_times(["06/09/2026 21:30"]) == ("%d/%m/%Y %H:%M", False, True)
    assert guess_times(["06/13/2026 21:30"]) == ("%m/%d/%Y %H:%M", False, False)
    assert guess_times(["13/06/2026 21:30"]) == ("%d/%m/%Y %H:%M", False, False)


def test_a_format_that_was_said_is_only_looked_at() -> None:
    assert guess_times(["06/09/2026"], "%m/%d/%Y") == ("%m/%d/%Y", False, False)
    assert guess_times(["06/09/2026"], "%d.%m.%Y") is None
