"""Read what a run asks to be sent again: exports by their dates or names, or dead letters by what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.plan_request import moment, zone_of
from airflow_netmera_kinesis.state.slice import Terms

_A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")
_ONE_DAY, _AT_ONCE = timedelta(days=1), timedelta(microseconds=1)


class Period(msgspec.Struct, frozen=True):
    """From ``since`` until before ``until``, as a wall clock in the exports' zone shows it."""

    since: datetime | None = None
    until: datetime | None = None


class ResendRequest(msgspec.Struct, frozen=True):
    """Which exports to send again: those of a period, or those named by ``files``; ``run`` asks for it."""

    key: str
    exports: str
    terms: Terms
    period: Period = Period()
    files: tuple[str, ...] = ()
    min_age_ms: int = 60_000
    run: str = ""
    abandon_slice: str = ""
    receipts: bool = False

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.terms.export_format)


class LetterFilter(msgspec.Struct, frozen=True):
    """Which dead letters: those of a DAG, narrowed by what is not empty. ``again``: also those that were replayed."""

    of_dag: str = ""
    reasons: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    again: bool = False


class ReplayRequest(msgspec.Struct, frozen=True):
    """Which dead letters to send again, and how. ``export_format`` None: each as its file was read."""

    key: str
    letters: LetterFilter
    terms: Terms
    export_format: ExportFormat | None = None
    run: str = ""
    abandon_slice: str = ""
    receipts: bool = False


def period_of(from_date: object, to_date: object, zone: tzinfo) -> Period:
    """Read two dates or times, each of which belongs to the period; ConfigurationError if the last comes first."""
    since, last = moment(from_date, "from_date", zone), moment(to_date, "to_date", zone)
    until = None
    if last is not None:
        until = last + (_ONE_DAY if _A_DAY.fullmatch(str(to_date).strip()) else _AT_ONCE)
    if since and until and since >= until:
        raise ConfigurationError(
            f"from_date is {from_date!r} and to_date {to_date!r}; allowed: a period that has begun"
        )
    return Period(since, until)


def names(value: object, param: str, allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """Read a list of names, or text with commas or line ends between them; ``allowed`` may say which there are."""
    given = re.split(r"[,\n]", value) if isinstance(value, str) else [] if value is None else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(f"{param} is {value!r}; allowed: a list of names, or text with commas between them")
    read = tuple(dict.fromkeys(name.strip() for name in given if name.strip() not in ("", "None")))
    for name in read:
        if allowed and name not in allowed:
            raise ConfigurationError(f"{param} names {name!r}; allowed: {', '.join(allowed)}")
    return read
