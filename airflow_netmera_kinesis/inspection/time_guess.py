"""Guess how the times of a column are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from airflow_netmera_kinesis.netmera.timestamp import TimeReader

_DATES = (
    "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%m-%d-%Y",
    "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
_CLOCKS = (
    " %H:%M:%S", " %H:%M", "", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M:%S %p", " %I:%M %p", ", %H:%M:%S", ", %H:%M",
    " - %H:%M",
)  # fmt: skip
_OTHERS = (
    "%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S", "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S %z",
)  # fmt: skip
FORMATS = (*(date + clock for date in _DATES for clock in _CLOCKS), *_OTHERS)
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000  # 2000 to 2100: the events of an app lie between
_ENOUGH = 0.6  # of the cells: some may be damaged
_TRIED, _TRIED_FIRST = 200, 5


class TimeGuess(NamedTuple):
    """A strptime format, or None where times are read without one.

    ``has_zone``: each tells its zone, or counts from 1970. ``could_be_month_first``: all days are below 13.
    """

    time_format: str | None
    has_zone: bool
    could_be_month_first: bool = False


def guess_times(cells: Sequence[str], said: str | None = None) -> TimeGuess | None:
    """Return how most cells are times, or None if they are none; ``said`` is the format that was given."""
    tried = cells[:: max(1, len(cells) // _TRIED)]
    forms = [said] if said else [None, *FORMATS]
    likely = [form for form in forms if any(_times(tried[:_TRIED_FIRST], form))]
    fits = {form: sum(_times(tried, form)) for form in likely}
    best = max(fits.values(), default=0)
    if not best or best < _ENOUGH * len(tried):
        return None
    fitting = [form for form in likely if fits[form] == best]
    chosen = fitting[0]
    day_first = chosen is not None and chosen.startswith("%d")
    return TimeGuess(
        chosen, _tell_their_zone(tried, chosen), day_first and any(form and form[:2] == "%m" for form in fitting)
    )


def _times(cells: Sequence[str], time_format: str | None) -> list[bool]:
    times = TimeReader("UTC", time_format)
    return [(time_ms := _read(times, cell)) is not None and _FIRST_MS <= time_ms < _LAST_MS for cell in cells]


def _tell_their_zone(cells: Sequence[str], time_format: str | None) -> bool:
    here, there = TimeReader("UTC", time_format), TimeReader("Asia/Tokyo", time_format)
    return all(_read(here, cell) == _read(there, cell) for cell in cells)


def _read(times: TimeReader, cell: str) -> int | None:
    try:
        return times.read(cell)
    except ValueError:
        return None
