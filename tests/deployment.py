"""A whole deployment without Airflow: exports, staging, state, a fake Kinesis, and the stages in their order."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
import pytest
from botocore.config import Config

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.errors import StreamRefused
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.stages.commit import commit
from airflow_netmera_kinesis.stages.gate import Limits, pass_gate
from airflow_netmera_kinesis.stages.match import match_group
from airflow_netmera_kinesis.stages.plan import plan
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.slice import Slice, Target, Terms
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis, Verdict, judge_order, read_stream
from airflow_netmera_kinesis.testing.faults import Faults, Misfortune

STREAMS = {"netmera-purchases": 2, "netmera-activity": 2}
HOOKS = parse_definitions(
    [
        {
            "name": "purchases",
            "trigger_type": "EVENT",
            "event_code": "n:ph",
            "stream_name": "netmera-purchases",
            "batch": {"max_records": 10},
        },
        {
            "name": "logins",
            "trigger_type": "EVENT",
            "event_code": "n:cl",
            "stream_name": "netmera-activity",
            "batch": {"max_records": 10},
        },
    ],
    "hooks",
)
CODES = ("n:ph", "n:cl", "n:vp")  # nobody wants the last one
USERS = ("ayse", "bora", "cem", "derya", "elif", "fuat", "gul")
Event = dict[str, Any]


def events(day: str, count: int, start: int = 0) -> list[Event]:
    """Make a day's events; ``start`` numbers them, so that a file can go on."""
    return [
        {
            "recordType": "EVENT",
            "id": f"{day}-{number}",
            "eventCode": CODES[number % len(CODES)],
            "timestamp": 1_788_000_000_000 + number,
            "userId": USERS[number * 5 % len(USERS)],
            "params": {"n": number},
        }
        for number in range(start, start + count)
    ]


def lines(made: Sequence[Event]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in made)


class Refusing(Faults, frozen=True, kw_only=True):
    """A Kinesis that refuses everybody after some PutRecords requests."""

    accepted: list[int]

    def misfortune(self, dice: Any) -> Misfortune | None:
        self.accepted[0] -= 1
        return Misfortune.ACCESS_DENIED if self.accepted[0] < 0 else None


# Loading botocore's descriptions takes longer than most of these tests, so they share a session.
SESSION = boto3.Session()


class LoopbackConnector:
    """The connection to the fake, without Airflow."""

    def __init__(self, kinesis: FakeKinesis) -> None:
        self._known = kinesis.client_arguments()
        self.settings = ConnectorSettings(region=self._known["region_name"], endpoint_url=self._known["endpoint_url"])
        self.fingerprint = "always the same"

    def get_conn(self) -> Any:
        return SESSION.client("kinesis", **self._known)

    def put_records_client(self, connections: int) -> Any:
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=connections)
        return SESSION.client("kinesis", config=config, **self._known)


class Deployment:
    """What several runs share; each stage can be called by itself, and ``run`` calls all in their order."""

    def __init__(self, storage: Callable[[str], Folder], kinesis: FakeKinesis) -> None:
        self.kinesis = kinesis
        self.exports, self.staging, self.state = storage("exports"), storage("staging"), storage("state")
        self.hooks: tuple[HookDefinition, ...] = HOOKS
        self.sent: dict[str, list[Event]] = {}
        self.log = logging.getLogger("deployment")
        self.tolerance = Quota(number=100)
        self.who = "a test"

    def export(self, name: str, made: Sequence[Event]) -> None:
        """Put a file into the export folder, or replace it, and expect its events to arrive."""
        self.exports.write(name, lines(made))
        self.sent[name] = list(made)

    def request(self, **asked: Any) -> PlanRequest:
        settings = LoopbackConnector(self.kinesis).settings
        terms = Terms(
            hooks=asked.pop("hooks", self.hooks),
            export_format=asked.pop("export_format", ExportFormat()),
            partitions=asked.pop("partitions", 1),
            order=asked.pop("order", "file"),
            target=asked.pop("target", Target(settings.region, settings.endpoint_url or "")),
        )
        return PlanRequest(**{"key": "key", "exports": "/exports", "terms": terms, "min_age_ms": 0, **asked})

    def plan(self, **asked: Any) -> Slice | None:
        place = ExportPlace(self.exports)
        return plan(self.state, self.staging, place, self.request(**asked), self.who, self.log)

    def planned(self, **asked: Any) -> Slice:
        made = self.plan(**asked)
        assert made is not None
        return made

    def match(self, current: Slice) -> None:
        for group in range(len(current.groups)):
            match_group(self.state, self.staging, self.exports, current.id, group, self.who, self.log)

    def gate(self, current: Slice, on_bad_file: str = "fail") -> None:
        limits = Limits(self.tolerance, self.tolerance, on_bad_file)
        pass_gate(self.state, self.staging, current.id, limits, self.log)

    def send(self, current: Slice, partitions: Sequence[int] | None = None) -> list[Mapping[str, int]]:
        return [
            send_partition(
                self.state,
                self.staging,
                current.id,
                partition,
                SendSettings(concurrency=2),
                connect=lambda: LoopbackConnector(self.kinesis),
                stop=threading.Event(),
                who=self.who,
                log=self.log,
            )
            for partition in (range(current.partitions) if partitions is None else partitions)
        ]

    def commit(self, current: Slice, *, keep_receipts: bool = False) -> Mapping[str, int]:
        return commit(
            self.state, self.staging, current.id, self.tolerance, self.who, self.log, keep_receipts=keep_receipts
        )

    def run(self, **asked: Any) -> Mapping[str, int] | None:
        """Do what one DAG run does; None if there is nothing new."""
        current = self.plan(**asked)
        if current is None:
            return None
        self.match(current)
        self.gate(current)
        self.send(current)
        return self.commit(current)

    def send_some(self, current: Slice, requests: int = 3, partitions: Sequence[int] | None = None) -> None:
        """Send until Kinesis refuses, then mend it."""
        self.kinesis.faults = Refusing(accepted=[requests])
        with pytest.raises(StreamRefused):
            self.send(current, partitions)
        self.kinesis.faults = Faults()

    def expect(self, files: Sequence[str] | None = None) -> dict[str, dict[str, list[tuple[str, str]]]]:
        """Say what each stream should hold: for each user (hook, event id) in the order of files and lines."""
        expected: dict[str, dict[str, list[tuple[str, str]]]] = {stream: {} for stream in STREAMS}
        for name in self.sent if files is None else files:
            for event, hook in itertools.product(self.sent[name], self.hooks):
                if event["eventCode"] == hook.event_code:
                    expected[hook.stream].setdefault(event["userId"], []).append((hook.name, event["id"]))
        return expected

    def verdicts(self, files: Sequence[str] | None = None) -> list[Verdict]:
        """Read the streams back as a consumer does, and judge them. ``files`` are in the order they were sent in."""
        client, expected = LoopbackConnector(self.kinesis).get_conn(), self.expect(files)
        judged = []
        for stream in STREAMS:
            shards = read_stream(client, stream).values()
            arrivals = [(record["PartitionKey"], record["Data"]) for records in shards for record in records]
            judged.append(judge_order(arrivals, expected[stream]))
        return judged

    def assert_all_arrived(self, files: Sequence[str] | None = None, duplicates: int = 0) -> None:
        """Nothing lost, nothing strange, every user's order kept, and at most so many duplicates."""
        judged = self.verdicts(files)
        assert all(verdict.clean for verdict in judged), judged
        assert sum(verdict.duplicates for verdict in judged) <= duplicates

    @property
    def arrived(self) -> int:
        return sum(verdict.arrived for verdict in self.verdicts())

    def assert_tidy(self) -> None:
        """After a commit only what must last is left."""
        assert list(self.staging.list()) == []
        kept = {info.name.split("/")[0] for info in self.state.list()}
        assert kept <= {"checkpoint", "manifests", "open", "dead_letters", "carried", "plan.json"}, kept


def half_sent(deployment: Deployment, requests: int = 3, **asked: Any) -> Slice:
    """Leave a slice open of which some records are sent."""
    current = deployment.planned(**asked)
    deployment.match(current)
    deployment.gate(current)
    deployment.send_some(current, requests)
    assert deployment.arrived > 0
    return current
