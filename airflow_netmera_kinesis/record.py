"""What travels from matching to delivery: one payload on its way to one stream."""

from __future__ import annotations

import msgspec


class StagedRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One firing, ready to be sent.

    ``file``, ``line`` and ``hook`` identify the firing within its slice: the index of the file, the line number in it
    (from 1; the row number for formats without lines) and the index of the hook among the slice's definitions.
    ``time_ms`` is the event's time (epoch milliseconds, UTC), or None when the export gives none.
    """

    file: int
    line: int
    hook: int
    key: str
    payload: bytes
    event_id: str
    time_ms: int | None
