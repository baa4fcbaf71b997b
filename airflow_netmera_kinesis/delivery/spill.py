"""Keep what waits for hot keys on local disk, in order per key, so that neither memory grows nor other users wait."""

from __future__ import annotations

import contextlib
import sqlite3

import msgspec

from airflow_netmera_kinesis.record import StagedRecord


class DiskSpill:
    """A temporary table of the machine's own disk, made at the first record and gone when closed."""

    def __init__(self) -> None:
        self._table: sqlite3.Connection | None = None
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(StagedRecord).decode

    def push(self, record: StagedRecord) -> None:
        """Put a record behind the others of its key."""
        if self._table is None:
            self._table = _temporary_table()
        key = record.key.encode("utf-8", "surrogatepass")
        self._table.execute("INSERT INTO waiting (key, record) VALUES (?, ?)", (key, self._encode(record)))

    def pull(self, key: str, records: int, size: int) -> list[StagedRecord]:
        """Take the oldest of a key's records away: at least one if any is left, about ``size`` bytes at most."""
        if self._table is None:
            return []
        name = key.encode("utf-8", "surrogatepass")
        rows = self._table.execute(
            "SELECT place, record FROM waiting WHERE key = ? ORDER BY place LIMIT ?", (name, records)
        )
        taken: list[StagedRecord] = []
        last = 0
        with contextlib.closing(rows):
            for place, blob in rows:
                if taken and size <= 0:
                    break
                size -= len(blob)
                last = place
                taken.append(self._decode(blob))
        if taken:
            self._table.execute("DELETE FROM waiting WHERE key = ? AND place <= ?", (name, last))
        return taken

    def close(self) -> None:
        """Give the disk space back."""
        if self._table is not None:
            self._table.close()
            self._table = None


def _temporary_table() -> sqlite3.Connection:
    # An empty name is a private database in a temporary file, which is gone when closed, or when the process dies.
    table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    table.execute("PRAGMA journal_mode = OFF")
    table.execute("PRAGMA synchronous = OFF")
    table.execute("CREATE TABLE waiting (place INTEGER PRIMARY KEY, key BLOB NOT NULL, record BLOB NOT NULL)")
    table.execute("CREATE INDEX by_key ON waiting (key, place)")
    return table
