"""Decide which files are exports, and in which order they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo

import msgspec

from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder

# What programs that copy files call those they have not finished, and what sorts of files are never exports.
UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
_MAGIC = re.compile(r"[*?\[]")
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>20\d\d)(?P<sep>[-_./]?)(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:T?(?P<hour>[01]\d|2[0-3])(?::?(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d))?)?)?(?!\d)"
)
_DAY_FIRST = re.compile(
    r"(?<!\d)(?P<day>0[1-9]|[12]\d|3[01])(?P<sep>[-_.])(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<year>20\d\d)(?!\d)"
)


class ExportPlace(msgspec.Struct, frozen=True):
    """A folder and what of it is meant: everything below it, what a glob matches, or one file by its name.

    In a glob ``*`` and ``?`` stay within a folder, ``**`` goes through any number of them.
    """

    folder: ReadableFolder
    glob: str = ""
    file: str = ""

    def files(self) -> Iterator[FileInfo]:
        """Yield what is meant, but not hidden files nor those that are still being copied."""
        if self.file:
            try:
                yield self.folder.info(self.file)
            except FileNotFoundError:
                return
        elif self.glob:
            wanted = glob_pattern(self.glob)
            fixed = self.glob[: found.start()] if (found := _MAGIC.search(self.glob)) else self.glob
            yield from (info for info in self._finished(fixed) if wanted.fullmatch(info.name))
        else:
            yield from self._finished("")

    def _finished(self, prefix: str) -> Iterator[FileInfo]:
        return (info for info in self.folder.list(prefix) if not is_unfinished(info.name))


class NameDate(msgspec.Struct, frozen=True):
    """The time that a name tells, from ``start`` until before ``end``."""

    start: datetime
    end: datetime


def sending_order(info: FileInfo, zone: tzinfo) -> tuple[datetime, int, str]:
    """Sort by the date in the name (without one, by the modification time), then by modification time, then by name."""
    date = date_in_name(info.name)
    return (date.start if date else modified(info, zone), info.modified_ms, info.name)


def is_older(info: FileInfo, moment: datetime, zone: tzinfo) -> bool:
    """Say whether all of a file is from before ``moment``, by the date in its name, else by its modification time."""
    date = date_in_name(info.name)
    return date.end <= moment if date else modified(info, zone) < moment


def modified(info: FileInfo, zone: tzinfo) -> datetime:
    """Return the modification time as a wall clock in ``zone`` shows it, as dates in names do."""
    return datetime.fromtimestamp(info.modified_ms / 1000, timezone.utc).astimezone(zone).replace(tzinfo=None)


def date_in_name(name: str) -> NameDate | None:
    """Find the last date in a file's name, or else in its folders': 20260906, 2026-09-06, 06.09.2026, 2026090615."""
    folders, _, own = name.rpartition("/")
    for text in (own, folders):
        found = [date for date in map(_name_date, _dates(text)) if date]
        if found:
            return found[-1]
    return None


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Translate a glob over posix paths into a pattern."""
    return re.compile("".join(_translated(glob)), re.DOTALL)


def has_magic(path: str) -> bool:
    return _MAGIC.search(path) is not None


def is_unfinished(name: str) -> bool:
    """Say whether a name is of a file that is hidden or still being copied."""
    return any(part.startswith(".") for part in name.split("/")) or name.lower().endswith(UNFINISHED_SUFFIXES)


def _dates(text: str) -> list[re.Match[str]]:
    found = [*_YEAR_FIRST.finditer(text), *_DAY_FIRST.finditer(text)]
    return sorted(found, key=lambda match: match.start())


def _name_date(match: re.Match[str]) -> NameDate | None:
    parts = match.groupdict()
    hour, minute, second = parts.get("hour"), parts.get("minute"), parts.get("second")
    try:
        start = datetime(int(parts["year"]), int(parts["month"]), int(parts["day"]))  # noqa: DTZ001 - a wall clock's date
    except ValueError:
        return None  # the 31st of September
    start += timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
    length = timedelta(seconds=1) if second else timedelta(minutes=1) if minute else timedelta(hours=1 if hour else 24)
    return NameDate(start, start + length)


def _translated(glob: str) -> Iterator[str]:
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            yield "(?:.*/)?"
            at += 3
        elif glob.startswith("**", at):
            yield ".*"
            at += 2
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            inside = glob[at + 1 : end].replace("\\", r"\\")
            yield f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
            at = end + 1
        else:
            yield {"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at]))
            at += 1
