"""Say what a reader yields: some hundred lines at a time, of which only what a hook may want is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from airflow_netmera_kinesis.exports.row import Row
from airflow_netmera_kinesis.netmera.event import Event, MessageLog

Came = TypeVar("Came")
Source = bytes | Row  # a line as it came, or a row of a table


class Wanted(msgspec.Struct, frozen=True):
    """What may set a hook off. Whoever is named by neither is unmatched, unless it is a message log."""

    codes: frozenset[str]
    names: frozenset[str]


class Unreadable(msgspec.Struct, frozen=True):
    """A malformed line or row, as it came."""

    line: int
    message: str
    source: Source


class Chunk(Protocol):
    """Events in the order of the file, each known by its place in the chunk, from 0."""

    @property
    def lines(self) -> Sequence[int]:
        """The line number of each event."""

    @property
    def malformed(self) -> Sequence[Unreadable]:
        """What stands between the events and is none."""

    def codes(self) -> Sequence[str | None]:
        """Return each event's code as it stands there, or its name where it has no code: for counting."""

    def candidates(self, wanted: Wanted) -> Sequence[int]:
        """Return the places of all events that a hook may want, and perhaps of some others."""

    def event(self, place: int) -> Event | MessageLog:
        """Return one of the candidates, finished: missing values are gone, nested parts compact.

        Raises Malformed for one that is nested so deep that it could be skipped but not read.
        """

    def row(self, place: int) -> int:
        """Return how many rows of the file stand before this one: malformed ones too, blank lines not."""

    def source(self, place: int) -> Source:
        """Return the line or the row as it came."""


class GeneralChunk(Generic[Came]):
    """Lines or rows of any shape, message logs among them, each read in full.

    ``source_of`` shows a line or row, which is kept as the reader has it, as it came: few are ever asked for.
    """

    def __init__(self, first_row: int, source_of: Callable[[Came], Source]) -> None:
        self.lines: list[int] = []
        self.malformed: list[Unreadable] = []
        self._first_row = first_row
        self._source_of = source_of
        self._events: list[Event | MessageLog] = []
        self._came: list[Came] = []
        self._rows: list[int] = []

    def add(self, line: int, came: Came, event: Event | MessageLog) -> None:
        self._rows.append(self._first_row + len(self.lines) + len(self.malformed))
        self.lines.append(line)
        self._came.append(came)
        self._events.append(event)

    def reject(self, line: int, came: Came, message: str) -> None:
        self.malformed.append(Unreadable(line, message, self._source_of(came)))

    def codes(self) -> list[str | None]:
        return [event.event_name if event.event_code is None else event.event_code for event in self._events]

    def candidates(self, wanted: Wanted) -> list[int]:
        codes, names = wanted.codes, wanted.names
        return [
            place
            for place, event in enumerate(self._events)
            if event.event_code in codes or event.event_name in names or isinstance(event, MessageLog)
        ]

    def event(self, place: int) -> Event | MessageLog:
        return self._events[place]

    def row(self, place: int) -> int:
        return self._rows[place]

    def source(self, place: int) -> Source:
        return self._source_of(self._came[place])
