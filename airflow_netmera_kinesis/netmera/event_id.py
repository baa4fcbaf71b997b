"""Give an event without an id of its own one that is the same on every retry and replay."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

from airflow_netmera_kinesis.netmera.canonical_json import canonical
from airflow_netmera_kinesis.netmera.event import ABSENT, Event, Identities, MessageLog, OpenIdentities

WINDOW_ROWS = 65_536
_NAMES = dict(zip(Identities.__struct_fields__, Identities.__struct_encode_fields__, strict=True))
_HASH_CHARACTERS = 32  # 128 bits: among 10^12 events two different ones meet with a chance of 10^-15


class EventIds:
    """Number the identical rows of one file.

    A row's id is the hash of its content, and of identical rows the later ones bear an ordinal: one more than that of
    the most recent identical row among the ``window`` rows before. So memory is bounded, and reading the file again
    gives the same ids. ``id_of`` must be called in the order of the rows.
    """

    def __init__(self, window: int = WINDOW_ROWS) -> None:
        self._window = window
        self._last: dict[str, tuple[int, int]] = {}  # by hash: row and ordinal
        self._hashes: deque[tuple[int, str]] = deque()  # by row, so that the longest ago is found without a search

    def id_of(self, event: Event | MessageLog, row: int) -> str:
        """Return the event's own id, else the hash of the whole canonical row."""
        if event.id is not None:
            return event.id
        content = content_hash(event)
        self._forget_before(row - self._window)
        _, ordinal = self._last.get(content, (0, -1))
        self._last[content] = row, ordinal + 1
        self._hashes.append((row, content))
        return f"{content}-{ordinal + 1}" if ordinal >= 0 else content

    def _forget_before(self, first_row: int) -> None:
        hashes, last = self._hashes, self._last
        while hashes and hashes[0][0] < first_row:
            row, content = hashes.popleft()
            if last[content][0] == row:
                del last[content]


def content_hash(event: Event | MessageLog) -> str:
    """Hash all that the event says, whichever way it was read."""
    return hashlib.sha256(canonical(_content(event))).hexdigest()[:_HASH_CHARACTERS]


def _content(event: Event | MessageLog) -> dict[str, Any]:
    content: dict[str, Any] = {
        "appKey": event.app_key,
        "eventCode": event.event_code,
        "eventName": event.event_name,
        "timestamp": event.time_ms,
        "userId": event.user_id,
        "profile": event.profile,
        "identities": _ids(event.identities),
    }
    if isinstance(event, MessageLog):
        content |= {"recordType": "MESSAGE_LOG", "item": event.item}
    else:
        content |= {"recordType": "EVENT", "params": event.params, "revenue": event.revenue, "device": event.device}
    return {name: value for name, value in content.items() if value is not None and value is not ABSENT}


def _ids(identities: Identities) -> dict[str, Any] | None:
    more = identities.more if isinstance(identities, OpenIdentities) else {}
    known = {name: getattr(identities, name) for name in Identities.__struct_fields__}
    return {**more, **{_NAMES[name]: text for name, text in known.items() if text is not None}} or None
