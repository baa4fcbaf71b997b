"""Remember which rows were pulled before, as a multiset of digests: of k equal rows seen and k + 1 now, one is new."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping

import msgspec

from airflow_netmera_kinesis.push_results.row import DIGEST_BYTES, PulledRow

# Rows are remembered by event time, so that what cannot come again is forgotten in one piece.
BUCKET_MS = 10 * 60 * 1000
# Times that lie 28 days apart share a bucket, which only delays the forgetting: however odd the times of a row are,
# there are no more files than this.
BUCKETS = 4_096
NO_TIME = -1
FOLDED_ROWS = 20_000


class SeenRows:
    """What was pulled before, and what is pulled now, in passes: one pass is one chain of pages.

    Equal rows have equal times, so a chain of pages holds all of them or none, and each pass counts them anew.
    ``load`` returns the digests that are kept under a bucket's number; a bucket is loaded when a row asks for it.
    """

    def __init__(self, load: Callable[[int], bytes]) -> None:
        self._load = load
        self._buckets: dict[int, _Bucket] = {}

    def begin_pass(self) -> None:
        for bucket in self._buckets.values():
            bucket.begin_pass()

    def take(self, row: PulledRow) -> int | None:
        """Count a row; return its place among its equals if it is new, else None."""
        return self._bucket(row).take(row.digest)

    def taken(self, row: PulledRow) -> int:
        """Return how many equals of the row this pass has counted."""
        return self._bucket(row).taken(row.digest)

    def changed(self) -> Mapping[int, bytes]:
        """Return the digests of the buckets that have new ones since they were last kept."""
        return {number: bucket.content() for number, bucket in self._buckets.items() if bucket.changed}

    def kept(self) -> None:
        """Take note that what has changed is kept."""
        for bucket in self._buckets.values():
            bucket.changed = False

    def _bucket(self, row: PulledRow) -> _Bucket:
        number = bucket_of(row)
        found = self._buckets.get(number)
        if found is None:
            found = self._buckets[number] = _Bucket(self._load(number))
        return found


def bucket_of(row: PulledRow) -> int:
    return NO_TIME if row.time_ms is None else row.time_ms // BUCKET_MS % BUCKETS


class Digests(msgspec.Struct, frozen=True):
    """Sorted digests in one piece of memory, one for each copy: a sequence for ``bisect``."""

    content: bytes = b""

    def __len__(self) -> int:
        return len(self.content) // DIGEST_BYTES

    def __getitem__(self, place: int) -> bytes:
        return self.content[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]


class _Bucket:
    """Digests that were seen before, each with a mark if this pass has counted it, and the fresh ones of this pass."""

    def __init__(self, content: bytes) -> None:
        self._known = Digests(content)
        self._marks = bytearray(len(self._known))
        self._fresh: dict[bytes, int] = {}
        self.changed = False

    def begin_pass(self) -> None:
        self._fold()
        self._marks = bytearray(len(self._known))

    def take(self, digest: bytes) -> int | None:
        first, last = self._places(digest)
        unmarked = self._marks.find(0, first, last)
        if unmarked >= 0:
            self._marks[unmarked] = 1
            return None
        fresh = self._fresh.get(digest, 0)
        self._fresh[digest] = fresh + 1
        self.changed = True
        if len(self._fresh) >= FOLDED_ROWS:
            self._fold()
        return last - first + fresh

    def taken(self, digest: bytes) -> int:
        first, last = self._places(digest)
        return self._marks.count(1, first, last) + self._fresh.get(digest, 0)

    def content(self) -> bytes:
        self._fold()
        return self._known.content

    def _places(self, digest: bytes) -> tuple[int, int]:
        first = bisect_left(self._known, digest)
        return first, bisect_right(self._known, digest, first)

    def _fold(self) -> None:
        """Sort the fresh ones in, marked: a dictionary takes ten times their memory."""
        if not self._fresh:
            return
        known = self._known
        rows = [(known[place], self._marks[place]) for place in range(len(known))]
        rows += [(digest, 1) for digest, copies in self._fresh.items() for _ in range(copies)]
        rows.sort()
        self._known = Digests(b"".join(digest for digest, _ in rows))
        self._marks = bytearray(mark for _, mark in rows)
        self._fresh.clear()
