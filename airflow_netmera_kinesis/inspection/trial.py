"""Read a file by an export format, as far as asked, and count what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from typing import Any, BinaryIO, cast

import msgspec

from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.content_hash import content_of
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog

SHOWN_EVENTS = 3
NAMELESS = ""  # the code of an event without code and name
ORDER = (
    "appKey", "eventCode", "eventName", "timestamp", "userId", "revenue", "params", "item", "profile", "identities",
    "device",
)  # fmt: skip


class Fault(msgspec.Struct, frozen=True):
    """Why rows are malformed: how many, and the line of the first."""

    message: str
    count: int
    line: int


class Trial(msgspec.Struct, frozen=True):
    """What the first ``rows`` gave; ``events`` are the first ones, as canonical records."""

    rows: int
    malformed: int
    is_whole_file: bool
    faults: tuple[Fault, ...]
    codes: Mapping[str, int]
    events: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...]


def try_out(file: BinaryIO, name: str, size: int, export_format: ExportFormat, rows: int) -> Trial:
    """Read chunks until there are enough rows. Raises ExportError where the format does not fit the file."""
    export = Export(file, name, size, export_format)
    counted = _Counted()
    with closing(cast("Generator[Chunk, None, None]", export.chunks())) as chunks:
        for chunk in chunks:
            counted.take(chunk)
            if counted.rows >= rows:
                break
        is_whole_file = next(chunks, None) is None
    return Trial(
        counted.rows,
        sum(fault.count for fault in counted.faults.values()),
        is_whole_file,
        tuple(counted.faults.values()),
        dict(counted.codes.most_common()),
        tuple(map(_record, counted.events)),
        tuple(found.warning for _, found in export.found() if found.warning),
    )


class _Counted:
    def __init__(self) -> None:
        self.rows = 0
        self.faults: dict[str, Fault] = {}
        self.codes: Counter[str] = Counter()
        self.events: list[Event | MessageLog] = []

    def take(self, chunk: Chunk) -> None:
        self.rows += len(chunk.lines) + len(chunk.malformed)
        self.codes.update(NAMELESS if code is None else code for code in chunk.codes())
        for each in chunk.malformed:
            known = self.faults.get(each.message, Fault(each.message, 0, each.line))
            self.faults[each.message] = Fault(each.message, known.count + 1, known.line)
        for place in range(len(chunk.lines)):
            if len(self.events) < SHOWN_EVENTS:
                with suppress(Malformed):  # nested too deep: match would set it aside
                    self.events.append(chunk.event(place))


def _record(event: Event | MessageLog) -> dict[str, Any]:
    content = content_of(event)
    ordered = {name: content[name] for name in ORDER if name in content}
    ids = {} if event.id is None else {"id": event.id}
    return {"recordType": content["recordType"], **ids, **ordered}
