"""Answer Kinesis requests in memory, without sockets and with a clock that the caller may own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.books import Books
from airflow_netmera_kinesis.testing.desk import Desk
from airflow_netmera_kinesis.testing.faults import Faults, Misfortune, RecordFate
from airflow_netmera_kinesis.testing.quota import ShardQuota
from airflow_netmera_kinesis.testing.refusal import Answer, Body
from airflow_netmera_kinesis.testing.resharding import reshard_evenly


class FakeKinesisCore:
    """A Kinesis of one account and region, safe to use from several threads.

    ``streams`` are created at once, by name and number of shards. ``quota`` is None for shards without limits.
    ``clock`` gives seconds since the epoch; with ``seed``, the same requests meet the same faults. Without
    ``keep_records`` only counts are kept, so that memory stays flat.
    """

    def __init__(
        self,
        streams: Mapping[str, int] | None = None,
        *,
        region: str = "eu-central-1",
        account_id: str = "111122223333",
        faults: Faults | None = None,
        quota: ShardQuota | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        creating_seconds: float = 0.0,
        updating_seconds: float = 0.0,
        keep_records: bool = True,
    ) -> None:
        self._lock = RLock()
        self._account = Account(region=region, account_id=account_id, clock=clock, seed=seed)
        self._account.updating_seconds = updating_seconds
        self._account.keep_records = keep_records
        self._account.faults = faults or Faults()
        self._account.quota = quota
        self._desk = Desk(self._account)
        self.books = Books(self._account, self._lock)
        self.region = region
        for name, shards in (streams or {}).items():
            self.create_stream(name, shards)
        self._account.creating_seconds = creating_seconds

    def handle(self, action: str, request: Mapping[str, Any] | bytes, access_key: str = "") -> Body:
        """Answer one request, given as boto3 takes it or as JSON.

        Raises :class:`Refused` for an error answer and :class:`ConnectionDropped` for none. Timestamps in the answer
        are seconds since the epoch, data are bytes. A late answer is given at once: see :meth:`answer`.
        """
        return self.answer(action, request, access_key).result()

    def answer(self, action: str, request: Mapping[str, Any] | bytes, access_key: str = "") -> Answer:
        """Answer one request with whatever comes of it, how late the client hears of it included."""
        with self._lock:
            return self._desk.answer(action, request, access_key)

    @property
    def faults(self) -> Faults:
        """What goes wrong from now on; assign another :class:`Faults` to change it."""
        return self._account.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._account.faults = faults

    @property
    def quota(self) -> ShardQuota | None:
        """What each shard takes; assign another to change it, or None for no limits."""
        return self._account.quota

    @quota.setter
    def quota(self, quota: ShardQuota | None) -> None:
        with self._lock:
            self._account.quota = quota

    def inject(self, *fortunes: Misfortune | str | Mapping[int, RecordFate | str] | None) -> None:
        """Say what befalls the coming puts, one each: a misfortune, fates by place in the request, or None.

        They take the place of the dice for those requests.
        """
        injected: deque[Misfortune | Mapping[int, RecordFate]] = deque()
        for fortune in fortunes:
            if isinstance(fortune, Mapping):
                injected.append({place: RecordFate(fate) for place, fate in fortune.items()})
            else:
                injected.append({} if fortune is None else Misfortune(fortune))
        with self._lock:
            self._desk.injected.extend(injected)

    def create_stream(
        self,
        name: str,
        shards: int = 1,
        *,
        on_demand: bool = False,
        ignores_keys: bool = False,
        max_record_kib: int | None = None,
        kms_key: str | None = None,
    ) -> None:
        """Create a stream; one that ``ignores_keys`` (distribution AUTO) is on demand. ``shards`` holds for any.

        One with a ``kms_key`` says that it is encrypted; nothing else changes.
        """
        request: Body = {"StreamName": name, "ShardCount": shards}
        if max_record_kib is not None:
            request["MaxRecordSizeInKiB"] = max_record_kib
        with self._lock:
            self._desk.carry_out("CreateStream", request)
            self._account.streams[name].on_demand = on_demand or ignores_keys
            self._account.streams[name].ignores_keys = ignores_keys
            self._account.streams[name].kms_key = kms_key

    def reshard(self, stream: str, shards: int) -> None:
        """Reshard as AWS itself does with streams on demand: to any number, whatever the stream is busy with."""
        with self._lock:
            reshard_evenly(self._account.streams[stream], shards, self._account.clock())

    def store_zombies(self) -> int:
        """Store the records of all lost requests that are still on their way, and say how many requests there were."""
        with self._lock:
            return self._desk.store_zombies(until=float("inf"))

    def clear(self) -> None:
        """Forget all streams, records and counts; faults and quota stay."""
        with self._lock:
            self._desk.forget()
