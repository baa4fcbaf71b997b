"""Number the lines of an archive's files through, so that each line of the archive is known by one number."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_netmera_kinesis.exports.chunk import Chunk, Source, Unreadable, Wanted
from airflow_netmera_kinesis.netmera.event import Event, MessageLog


class MemberChunk:
    """A chunk of one file, with the ``lines`` and ``rows`` of the files before it counted in."""

    def __init__(self, chunk: Chunk, member: str, lines: int, rows: int) -> None:
        self._chunk, self._rows = chunk, rows
        self.lines: Sequence[int] = [line + lines for line in chunk.lines]
        self.malformed: Sequence[Unreadable] = [
            Unreadable(each.line + lines, f"{each.message} (line {each.line} of {member})", each.source)
            for each in chunk.malformed
        ]

    def codes(self) -> Sequence[str | None]:
        return self._chunk.codes()

    def candidates(self, wanted: Wanted) -> Sequence[int]:
        return self._chunk.candidates(wanted)

    def event(self, place: int) -> Event | MessageLog:
        return self._chunk.event(place)

    def row(self, place: int) -> int:
        return self._rows + self._chunk.row(place)

    def source(self, place: int) -> Source:
        return self._chunk.source(place)
