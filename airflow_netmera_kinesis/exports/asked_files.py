"""Decide which files are meant by a period or by names, whether they were sent before or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.listing import date_in_name, glob_pattern, has_magic, modified, sending_order
from airflow_netmera_kinesis.storage import FileInfo


def files_of_period(
    listed: Iterable[FileInfo], since: datetime | None, until: datetime | None, zone: tzinfo
) -> list[FileInfo]:
    """Return, in sending order, the files whose name tells a time of the period, or else that were modified in it.

    The period is from ``since`` until before ``until``; None is no limit.
    """
    return _in_order((info for info in listed if _is_within(info, since, until, zone)), zone)


def files_named(listed: Sequence[FileInfo], names: Iterable[str], zone: tzinfo) -> list[FileInfo]:
    """Return, in sending order, the files that names or globs stand for; ConfigurationError where there is none."""
    found: dict[str, FileInfo] = {}
    for name in names:
        meant = [info for info in listed if info.name == name] or (_matching(listed, name) if has_magic(name) else [])
        if not meant:
            raise ConfigurationError(
                f"files names {name!r}, which is not among the {len(listed)} exports{_hint(listed, name)}"
            )
        found.update((info.name, info) for info in meant)
    return _in_order(found.values(), zone)


def _is_within(info: FileInfo, since: datetime | None, until: datetime | None, zone: tzinfo) -> bool:
    date = date_in_name(info.name)
    if date:
        return (until is None or date.start < until) and (since is None or date.end > since)
    time = modified(info, zone)
    return (until is None or time < until) and (since is None or time >= since)


def _matching(listed: Sequence[FileInfo], glob: str) -> list[FileInfo]:
    pattern = glob_pattern(glob)
    return [info for info in listed if pattern.fullmatch(info.name)]


def _hint(listed: Sequence[FileInfo], name: str) -> str:
    own = name.rpartition("/")[2]
    near = [info.name for info in listed if info.name.rpartition("/")[2] == own]
    return f"; is {near[0]!r} meant? Names are relative to exports" if near else ""


def _in_order(found: Iterable[FileInfo], zone: tzinfo) -> list[FileInfo]:
    return sorted(found, key=lambda info: sending_order(info, zone))
