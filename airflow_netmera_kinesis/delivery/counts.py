"""Count what a delivery did."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from airflow_netmera_kinesis.delivery.ordering import Entry, size_of
from airflow_netmera_kinesis.delivery.put_units import Saving


class DeliveryCounts(msgspec.Struct):
    """What a delivery did: in firings what was delivered, refused or unknown; in entries what was rejected or sent.

    ``newest_ms`` is the time of the newest event that was delivered, 0 while none has a time.
    """

    delivered: int = 0
    refused: int = 0
    rejected: int = 0
    unknown: int = 0
    requests: int = 0
    entries: int = 0
    size: int = 0
    newest_ms: int = 0
    saving: Saving = msgspec.field(default_factory=Saving)

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Kinesis took these."""
        self.size += sum([entry.size for entry in entries])
        self.newest_ms = max([self.newest_ms, *[entry.records[-1].time_ms or 0 for entry in entries]])
        firings = sum([len(entry.records) for entry in entries])
        self.delivered += firings
        if firings > len(entries):
            for entry in entries:
                if len(entry.records) > 1:
                    self.saving.add(entry.size, map(size_of, entry.records))
