"""Show what the fake has written down: its records, where they are, and its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from threading import RLock

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.judging import Identity, Verdict, event_ids, judge_order
from airflow_netmera_kinesis.testing.shard import StoredRecord
from airflow_netmera_kinesis.testing.tally import Tally


class Books:
    """The fake's own books; every answer is a copy, so it does not change afterwards."""

    def __init__(self, account: Account, lock: RLock) -> None:
        self._account = account
        self._lock = lock

    def counts(self, stream: str) -> Tally:
        """Give the counts of a stream."""
        with self._lock:
            return self._account.tallies[stream].copy()

    def by_shard(self, stream: str) -> dict[str, list[StoredRecord]]:
        """Give the records of each shard, in order; parents stand before their children."""
        with self._lock:
            return {shard.name: list(shard.records) for shard in self._account.streams[stream].shards}

    def in_order(self, stream: str) -> list[StoredRecord]:
        """Give all records of a stream in the order of their arrival."""
        records = (record for records in self.by_shard(stream).values() for record in records)
        return sorted(records, key=lambda record: record.position)

    def by_key(self, stream: str) -> dict[str, list[StoredRecord]]:
        """Give each partition key's history, in the order of arrival."""
        history: dict[str, list[StoredRecord]] = {}
        for record in self.in_order(stream):
            history.setdefault(record.partition_key, []).append(record)
        return history

    def duplicates(
        self, stream: str, read: Callable[[bytes], Iterable[Identity]] = event_ids
    ) -> Counter[tuple[str, Identity]]:
        """Count the surplus copies of each (key, identity) that was stored more than once."""
        stored = Counter(
            (record.partition_key, identity) for record in self.in_order(stream) for identity in read(record.data)
        )
        return Counter({found: copies - 1 for found, copies in stored.items() if copies > 1})

    def judge_order(
        self,
        stream: str,
        expected: Mapping[str, Iterable[Identity]],
        read: Callable[[bytes], Iterable[Identity]] = event_ids,
    ) -> Verdict:
        """Judge a stream against what was to be sent to it; see :func:`judging.judge_order`."""
        return judge_order(((r.partition_key, r.data) for r in self.in_order(stream)), expected, read)
