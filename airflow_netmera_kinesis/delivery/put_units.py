"""Count what Kinesis bills for a record, and what packing saves of it.

https://aws.amazon.com/kinesis/data-streams/pricing/: a provisioned stream bills each record in PUT payload units of
25 KB, a stream on demand in gigabytes, each record rounded up to the next KB.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

KIB = 1024
PUT_UNIT_BYTES = 25 * KIB
GIB = 1024**3


class Billed(msgspec.Struct):
    """PUT payload units and KB on demand; sizes count the partition key."""

    units: int = 0
    kib: int = 0

    def add(self, size: int) -> None:
        """Count one record of so many bytes."""
        self.units += -(-size // PUT_UNIT_BYTES)
        self.kib += -(-size // KIB)


class Saving(msgspec.Struct):
    """What the packed records were billed, and what their events would have been, each in a record of its own."""

    packed: Billed = msgspec.field(default_factory=Billed)
    alone: Billed = msgspec.field(default_factory=Billed)
    records: int = 0
    events: int = 0

    def add(self, size: int, sizes_alone: Iterable[int]) -> None:
        """Count one packed record of so many bytes, and its events as records of their own."""
        self.records += 1
        self.packed.add(size)
        for alone in sizes_alone:
            self.events += 1
            self.alone.add(alone)

    @property
    def units(self) -> int:
        """PUT payload units that were saved."""
        return self.alone.units - self.packed.units

    @property
    def gigabytes(self) -> float:
        """GB on demand that were saved."""
        return (self.alone.kib - self.packed.kib) * KIB / GIB
