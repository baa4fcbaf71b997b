"""A partition that is matched and waits to be sent to the fake Kinesis, without Airflow around it."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from recorded_metrics import RecordedMetrics
from simulation import make_record

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.quota import Quota, parse_quota
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.gate import Limits, pass_gate
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult, MatchResult, save_result
from airflow_netmera_kinesis.state.open_slice import begin_slice, end_slice
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target, save_slice
from airflow_netmera_kinesis.state.staging import PartRef, PartWriter
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

REGION = "eu-central-1"
SLICE = "20260907-abc"
PURCHASES, LOGINS = "netmera-purchases", "netmera-logins"
log = logging.getLogger("test")


class LoopbackConnector:
    """A connection to the fake, without Airflow."""

    def __init__(self, endpoint_url: str, access_key: str = "AKIATEST") -> None:
        self.settings = ConnectorSettings(region=REGION, endpoint_url=endpoint_url)
        self.fingerprint = self._access_key = access_key

    def get_conn(self) -> Any:
        return self._client(Config())

    def put_records_client(self, connections: int) -> Any:
        return self._client(Config(retries={"total_max_attempts": 1}, max_pool_connections=connections))

    def _client(self, config: Config) -> Any:
        return boto3.client(
            "kinesis",
            region_name=REGION,
            endpoint_url=self.settings.endpoint_url,
            aws_access_key_id=self._access_key,
            aws_secret_access_key="secret",
            config=config,
        )


class Scene:
    """A slice that is matched and waits to be sent."""

    def __init__(self, folder: Path, kinesis: FakeKinesis) -> None:
        self.kinesis = kinesis
        self.state, self.staging = LocalFolder(folder / "state"), LocalFolder(folder / "staging")
        self.hooks = (
            HookDefinition("purchases", event_code="n:ph", stream_name=PURCHASES),
            HookDefinition("logins", event_code="n:cl", stream_name=LOGINS),
        )
        self.records: list[StagedRecord] = []
        self.partitions, self.order = 1, "file"
        self.settings = SendSettings(max_dead_letters=parse_quota("1%, 100", "max_dead_letters"))
        self.keys = iter(["AKIATEST"] * 99)
        self.metrics = RecordedMetrics()

    def stage(self, records: list[StagedRecord], files: int = 1) -> None:
        """Stage records, a group for each file, as match would have."""
        self.records = records
        current = Slice(
            SLICE,
            "/exports",
            tuple(ExportFile(f"day-{file}.ndjson", 1, 0) for file in range(files)),
            tuple((file,) for file in range(files)),
            self.hooks,
            ExportFormat(),
            self.partitions,
            self.order,
            Target(REGION, self.kinesis.endpoint_url),
            "",
            0,
        )
        save_slice(self.state, current)
        end_slice(self.state, SLICE)
        begin_slice(self.state, current)
        for group in range(files):
            parts = list(self._parts(group))
            mine = [record for record in records if record.file == group]
            firings = [sum(record.hook == hook for record in mine) for hook in range(len(self.hooks))]
            hooks = tuple(HookResult(n, hook.name, firings[n], firings[n]) for n, hook in enumerate(self.hooks))
            files_read = (FileResult(group, f"day-{group}.ndjson", len(mine), 0, len(mine), "digest"),)
            save_result(self.staging, MatchResult(SLICE, group, files_read, hooks, tuple(parts)))
        limits = Limits(Quota(), Quota())
        pass_gate(self.state, self.staging, SLICE, limits, log)

    def _parts(self, group: int) -> Iterator[PartRef]:
        dealt: dict[tuple[str, int], list[StagedRecord]] = defaultdict(list)
        for record in self.records:
            if record.file == group:
                dealt[self.hooks[record.hook].stream, 0].append(record)
        for (stream, partition), records in dealt.items():
            with PartWriter(self.staging, SLICE, stream, partition, group) as writer:
                for record in records:
                    writer.write(record)
            yield writer.ref()

    def send(self, stop: threading.Event | None = None) -> dict[str, int]:
        return send_partition(
            self.state,
            self.staging,
            SLICE,
            0,
            self.settings,
            connect=lambda: LoopbackConnector(self.kinesis.endpoint_url, next(self.keys)),
            stop=stop or threading.Event(),
            who="test",
            log=log,
            metrics=self.metrics,
        )

    def judge(self, stream: str = PURCHASES) -> Any:
        expected: dict[str, list[Any]] = defaultdict(list)
        for record in self.records:
            if self.hooks[record.hook].stream == stream:
                expected[record.key].append(("purchases", record.event_id))
        return self.kinesis.core.books.judge_order(stream, expected)


def some(count: int, users: int = 20) -> list[StagedRecord]:
    return [make_record(line, f"user-{line * line % users}") for line in range(1, count + 1)]
