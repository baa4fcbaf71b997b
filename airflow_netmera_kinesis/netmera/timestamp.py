"""Read the times of an export, in whichever form they come, as epoch milliseconds in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

# A number below this is epoch seconds (they reach it in the year 5138), any other one epoch milliseconds (they passed
# it in March 1973).
FIRST_MILLISECONDS = 100_000_000_000
LAST_MILLISECONDS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last time that datetime can hold

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_MILLISECONDS = re.compile(r"[1-9]\d{12}", re.ASCII).fullmatch
_LINES_OF_EPOCH_MILLISECONDS = re.compile(r"(?:[1-9]\d{12}\n)*", re.ASCII).fullmatch
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,30})?([eE]\+?\d{1,2})?", re.ASCII)
_ISO_8601 = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](?P<fraction>\d{1,30}))?)?)?"
    r" ?(?:(?P<utc>[Zz]|UTC)|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?",
    re.ASCII,
)
_MILLISECOND_DIGITS = len("1757192400000")
_MINUTE_CHARACTERS = len("2026-09-06 21:30")
_SECONDS = {f":{second:02d}": second * 1000 for second in range(60)}
_MAX_CACHED = 50_000
# Since then every zone's offset is whole minutes and changes at the full minute, so a minute may be remembered.
_FIRST_CACHED_YEAR = 1973


class TimeReader:
    """Read times; those without a zone of their own are local in ``time_zone``.

    Of a local time that clocks show twice the first one is meant. ``time_format`` is a strptime format; where it is
    given, a time is in that format or a number.
    """

    def __init__(self, time_zone: str, time_format: str | None = None) -> None:
        self._zone = ZoneInfo(time_zone)
        self._time_format = time_format
        self._minutes: dict[str, int] = {}
        self._formatted: dict[str, int] = {}

    def read(self, text: str) -> int:
        """Raise ValueError where no form fits."""
        # The commonest cell, "2026-09-06 21:30:05": exports are sorted by time, so its minute was there before.
        start = self._minutes.get(text[:_MINUTE_CHARACTERS])
        if start is not None and (seconds := _SECONDS.get(text[_MINUTE_CHARACTERS:])) is not None:
            return start + seconds
        # The next commonest, "1757192400000": any time from 2001 to 2286.
        if len(text) == _MILLISECOND_DIGITS and self._time_format is None and _EPOCH_MILLISECONDS(text):
            return int(text)
        try:
            return self._read_afresh(text.strip())
        except ArithmeticError as error:
            raise ValueError("out of range") from error

    def reads_all(self, texts: Sequence[str]) -> bool:
        """Tell whether ``read`` takes every one of them; epoch milliseconds are looked at all at once."""
        lines = "\n".join([*texts, ""])
        if lines.count("\n") == len(texts) and _LINES_OF_EPOCH_MILLISECONDS(lines):
            return True
        try:
            list(map(self.read, texts))
        except ValueError:
            return False
        return True

    def of_moment(self, moment: datetime) -> int:
        """Return a moment that is a datetime already; raises ValueError where it is out of range."""
        return self._to_utc(moment)

    def _read_afresh(self, text: str) -> int:
        if self._time_format is not None:
            found = self._read_formatted(text, self._time_format)
            if found is not None:
                return found
        if _NUMBER.fullmatch(text):
            return _from_number(Decimal(text))
        match = _ISO_8601.fullmatch(text)
        if match is None or self._time_format is not None:
            raise ValueError("not a time")
        return self._from_iso_8601(text, match)

    def _read_formatted(self, text: str, time_format: str) -> int | None:
        found = self._formatted.get(text)
        if found is None:
            try:
                moment = datetime.strptime(text, time_format)  # noqa: DTZ007 - zoned by _to_utc
            except ValueError:
                return None
            found = self._to_utc(moment)
            _remember(self._formatted, text, found)
        return found

    def _from_iso_8601(self, text: str, match: re.Match[str]) -> int:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        milliseconds = int((match["fraction"] or "0")[:3].ljust(3, "0"))
        moment = datetime(year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=_zone_of(match))
        time_ms = self._to_utc(moment)
        # 19 characters and local: the separated form, to the second
        if moment.tzinfo is None and text[_MINUTE_CHARACTERS:] in _SECONDS and year >= _FIRST_CACHED_YEAR:
            _remember(self._minutes, text[:_MINUTE_CHARACTERS], time_ms - second * 1000)
        return time_ms

    def _to_utc(self, moment: datetime) -> int:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone, fold=0)
        time_ms = (moment.astimezone(timezone.utc) - _EPOCH) // _MILLISECOND
        if not 0 <= time_ms <= LAST_MILLISECONDS:
            raise ValueError("out of range")
        return time_ms


def _from_number(number: Decimal) -> int:
    if number < FIRST_MILLISECONDS:
        number *= 1000
    if number > LAST_MILLISECONDS:
        raise ValueError("out of range")
    return int(number)


def _zone_of(match: re.Match[str]) -> timezone | None:
    if match["utc"]:
        return timezone.utc
    if not match["sign"]:
        return None
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)


def _remember(cache: dict[str, int], text: str, time_ms: int) -> None:
    if len(cache) >= _MAX_CACHED:
        cache.clear()
    cache[text] = time_ms
