"""Read what FTP servers say about files: the facts of MLSD, or the lines that LIST prints for people.

LIST has no standard, and many servers know nothing else: vsftpd prints what ls prints, IIS what DIR does. Its times are
read as they stand there, as if they were UTC: they need only be the same from one plan to the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum, auto

import msgspec

_TYPES = r"(?P<type>[-dlbcpsD])"
_UNIX = re.compile(
    _TYPES + r"[-rwxsStTlL]{9}[+.@]?\s+(?:\d+\s+)?.*?\s(?P<size>\d+)\s+"
    r"(?:(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+(?P<day>\d{1,2})\s+(?:(?P<year>\d{4})|(?P<clock>\d{1,2}:\d{2}))"
    r"|(?P<iso>\d{4}-\d\d-\d\d \d\d:\d\d)(?::\d\d)?\S*) (?P<name>.+)"
)
_DOS = re.compile(
    r"(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{2}|\d{4})\s+(?P<clock>\d\d:\d\d)(?P<half>[AP]M)?\s+"
    r"(?P<size><DIR>|<JUNCTION>|<SYMLINKD?>|\d+)\s+(?P<name>.+)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TOTAL = re.compile(r"total\s+\S+", re.IGNORECASE)


class Kind(Enum):
    """What an entry of a listing is; a LINK may be either."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    OTHER = auto()


class Entry(msgspec.Struct, frozen=True):
    """One entry of a listing; ``day_only``: it tells the day of the modification, but no time."""

    name: str
    kind: Kind
    size: int = 0
    modified_ms: int = 0
    day_only: bool = False


def entry_of_facts(name: str, facts: Mapping[str, str]) -> Entry | None:
    """Read an entry of MLSD or MLST (RFC 3659); None if it does not tell all that is needed."""
    kind = facts.get("type", "").lower()
    if kind in ("dir", "cdir", "pdir"):
        return Entry(name, Kind.FOLDER if kind == "dir" else Kind.OTHER)
    if kind.startswith("os.unix=") and "link" in kind:
        return Entry(name, Kind.LINK)
    if kind != "file":
        return Entry(name, Kind.OTHER) if kind else None
    if not facts.get("size", "").isdecimal() or not facts.get("modify", "")[:14].isdecimal():
        return None
    seconds, _, fraction = facts["modify"].partition(".")
    moment = datetime.strptime(seconds, "%Y%m%d%H%M%S")  # noqa: DTZ007 - UTC, says the RFC
    return Entry(name, Kind.FILE, int(facts["size"]), _milliseconds(moment) + int(f"{fraction}000"[:3]))


def entry_of_line(line: str, now: datetime) -> Entry | None:
    """Read a line of LIST; None for one that is about no file. ValueError for a form that nobody knows.

    ``now`` tells the year, which is left out of the last months' times.
    """
    if not line.strip() or _TOTAL.fullmatch(line.strip()):
        return None
    try:
        if match := _UNIX.fullmatch(line):
            return _unix_entry(match, now)
        if match := _DOS.fullmatch(line):
            return _dos_entry(match)
    except ValueError:  # the 31st of September
        pass
    raise ValueError(line)


def _unix_entry(match: re.Match[str], now: datetime) -> Entry | None:
    kind = {"-": Kind.FILE, "d": Kind.FOLDER, "l": Kind.LINK}.get(match["type"], Kind.OTHER)
    name = match["name"].partition(" -> ")[0] if kind is Kind.LINK else match["name"]
    if name in (".", ".."):
        return None
    if match["iso"]:
        moment = datetime.strptime(match["iso"], "%Y-%m-%d %H:%M")  # noqa: DTZ007 - as it stands there
    else:
        month, day = _MONTHS.index(match["month"]) + 1, int(match["day"])
        if match["year"]:
            moment = datetime(int(match["year"]), month, day)  # noqa: DTZ001 - as it stands there
        else:
            hour, minute = map(int, match["clock"].split(":"))
            moment = _latest(month, day, hour, minute, now)
    return Entry(name, kind, int(match["size"]), _milliseconds(moment), day_only=bool(match["year"]))


def _latest(month: int, day: int, hour: int, minute: int, now: datetime) -> datetime:
    """Find the year of a time of the last months; the server's clock may be a day ahead, zones included."""
    for year in (now.year + 1, now.year, now.year - 1, now.year - 2):
        try:
            moment = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - as it stands there
        except ValueError:
            continue  # the 29th of February
        if moment <= now.replace(tzinfo=None) + timedelta(days=1):
            return moment
    raise ValueError(f"{month:02d}-{day:02d}")


def _dos_entry(match: re.Match[str]) -> Entry:
    kind = Kind.FILE if match["size"].isdecimal() else Kind.FOLDER if match["size"] == "<DIR>" else Kind.LINK
    year, (hour, minute) = int(match["year"]), map(int, match["clock"].split(":"))
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] == "PM" else 0)
    day = datetime(year + 2000 if year < 100 else year, int(match["month"]), int(match["day"]))  # noqa: DTZ001 - as it stands there
    size = int(match["size"]) if kind is Kind.FILE else 0
    return Entry(match["name"], kind, size, _milliseconds(day + timedelta(hours=hour, minutes=minute)))


def _milliseconds(moment: datetime) -> int:
    return round(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)
