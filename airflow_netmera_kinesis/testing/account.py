"""Hold the streams of the one account and region that the fake plays, and find them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping

from airflow_netmera_kinesis.testing.faults import Faults, RecordFate
from airflow_netmera_kinesis.testing.quota import ShardQuota
from airflow_netmera_kinesis.testing.refusal import Refused, invalid, not_found
from airflow_netmera_kinesis.testing.request import Request
from airflow_netmera_kinesis.testing.stream import Stream
from airflow_netmera_kinesis.testing.tally import Tally


class Account:
    """Everything that the actions read and change; whoever calls them holds the lock."""

    def __init__(self, *, region: str, account_id: str, clock: Callable[[], float], seed: int) -> None:
        self.region = region
        self.account_id = account_id
        self.clock = clock
        self.dice = random.Random(seed)
        self.streams: dict[str, Stream] = {}
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.faults = Faults()
        self.quota: ShardQuota | None = None
        self.creating_seconds = 0.0
        self.updating_seconds = 0.0
        self.keep_records = True
        self.stored = 0
        # fates of the records of the request at hand, by their place in it; they go before the dice
        self.fates: Mapping[int, RecordFate] = {}

    def arn(self, stream: str) -> str:
        return f"arn:aws:kinesis:{self.region}:{self.account_id}:stream/{stream}"

    def name_in(self, request: Request) -> str:
        """Give the name of the stream that a request speaks of, whether it exists or not."""
        if request.stream_arn is None:
            return request.stream_name or ""
        return request.stream_arn.rpartition("/")[2]

    def find(self, request: Request) -> Stream:
        """Find the stream of a request, by name or ARN; not found is a refusal."""
        name = self.name_in(request)
        if not name:
            raise invalid("Either StreamName or StreamARN should be provided.")
        if request.stream_arn and request.stream_name not in (None, name):
            raise invalid(f"StreamName {request.stream_name} does not match StreamARN {request.stream_arn}.")
        stream = self.streams.get(name)
        if stream is None or request.stream_arn not in (None, stream.arn):
            raise not_found(name, self.account_id)
        return stream

    def find_writable(self, request: Request) -> Stream:
        """Find a stream that takes records: one that is being created does not yet."""
        stream = self.find(request)
        if stream.status(self.clock()) == "CREATING":
            raise Refused(self.faults.creating, not_found(stream.name, self.account_id).message)
        return stream

    def find_idle(self, request: Request) -> Stream:
        """Find a stream that may be changed: one at a time."""
        stream = self.find(request)
        status = stream.status(self.clock())
        if status != "ACTIVE":
            message = f"Stream {stream.name} under account {self.account_id} not ACTIVE, instead in state {status}"
            raise Refused("ResourceInUseException", message)
        return stream
