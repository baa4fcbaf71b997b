"""Give an event without an id of its own one that is the same on every retry and replay."""

from __future__ import annotations

from collections import deque

from airflow_netmera_kinesis.netmera.content_hash import content_hash
from airflow_netmera_kinesis.netmera.event import Event, MessageLog

WINDOW_ROWS = 65_536


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
