"""Let a file in object storage grow: entries gather for a second at most and become a segment of their own."""

from __future__ import annotations

import threading
import time

from airflow_netmera_kinesis.storage.folder import Folder, next_segment, segment_name

FLUSH_EVERY_SECONDS = 1.0
UNFLUSHED_RECORDS = 5_000


class ObjectAppender:
    """Segments uploaded by a thread, so that an entry waits for the store only when too many are unflushed."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._number = 0
        self._waiting: list[bytes] = []
        self._records = 0
        self._uploading = 0
        self._due = 0.0
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

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

    def _upload(self, data: bytes) -> None:
        self._number = self._number or next_segment(self._folder, self._name)
        while not self._folder.create(segment_name(self._name, self._number), data):
            if self._folder.read(segment_name(self._name, self._number)) == data:
                break  # an upload whose answer was lost
            self._number += 1
        self._number += 1
