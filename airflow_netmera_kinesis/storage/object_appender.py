"""Let a file in object storage grow: entries gather for a second at most and become a segment of their own."""

from __future__ import annotations

import threading
import time

from airflow_netmera_kinesis.storage.folder import Folder, next_segment, segment_name

FLUSH_EVERY_SECONDS = 1.0
UNFLUSHED_RECORDS = 5_000


class OutOfTurn(OSError):
    """Somebody else has begun to append since: this process was paused, or cut off from the store, for too long."""


class ObjectAppender:
    """Segments uploaded by a thread, so that an entry waits for the store only when too many are unflushed.

    Appended in turn, the first segment is an empty one, made at once. It takes the number that whoever has begun before
    would use next, so that from then on only this one appends. It goes again if nothing was appended.
    """

    def __init__(self, folder: Folder, name: str, *, in_turn: bool = False) -> None:
        self._folder = folder
        self._name = name
        self._in_turn = in_turn
        self._number = 0
        self._empty = ""
        self._waiting: list[bytes] = []
        self._records = 0
        self._uploading = 0
        self._due = 0.0
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        if in_turn:
            self._begin()

    def append(self, data: bytes, records: int = 1) -> None:
        with self._changed:
            while self._unflushed and self._unflushed + records > UNFLUSHED_RECORDS:
                self._raise_failure()
                self._due = 0.0
                self._changed.notify_all()
                self._changed.wait()
            self._raise_failure()
            if not self._waiting:
                self._due = time.monotonic() + FLUSH_EVERY_SECONDS
            self._waiting.append(data)
            self._records += records
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="appender", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        with self._changed:
            self._due = 0.0
            self._changed.notify_all()
            while self._unflushed and self._failure is None:
                self._changed.wait()
                self._due = 0.0
                self._changed.notify_all()
            self._raise_failure()

    def close(self) -> None:
        try:
            self.flush()
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            if self._thread is not None:
                self._thread.join()
            elif self._empty:
                self._folder.delete(self._empty)

    @property
    def _unflushed(self) -> int:
        return self._records + self._uploading

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (data := self._next()) is not None:
            try:
                self._upload(data)
            except BaseException as failure:  # noqa: BLE001 - handed to the caller's next append, flush or close
                with self._changed:
                    self._failure = failure
                    self._changed.notify_all()
                return
            with self._changed:
                self._uploading = 0
                self._changed.notify_all()

    def _next(self) -> bytes | None:
        """Wait until entries are due, then take all of them."""
        with self._changed:
            while not self._waiting or (pause := self._due - time.monotonic()) > 0:
                if self._closing:
                    return None
                self._changed.wait(pause if self._waiting else None)
            taken, self._waiting = self._waiting, []
            self._uploading, self._records = self._records, 0
            return b"".join(taken)

    def _begin(self) -> None:
        number = next_segment(self._folder, self._name)
        while not self._folder.create(segment_name(self._name, number), b""):
            number += 1
        self._number, self._empty = number + 1, segment_name(self._name, number)

    def _upload(self, data: bytes) -> None:
        self._number = self._number or next_segment(self._folder, self._name)
        while not self._folder.create(segment_name(self._name, self._number), data):
            if self._folder.read(segment_name(self._name, self._number)) == data:
                break  # an upload whose answer was lost
            if self._in_turn:
                raise OutOfTurn(f"{self._folder.uri}/{self._name} is appended to by somebody else now")
            self._number += 1
        self._number += 1
