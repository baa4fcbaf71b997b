"""Drive the real stages as the operators do, without Airflow around them."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.delivery.wire import client_options
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.location import open_exports, open_folder
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.quota import parse_quota
from airflow_netmera_kinesis.stages.commit import commit
from airflow_netmera_kinesis.stages.gate import Limits, pass_gate
from airflow_netmera_kinesis.stages.match import match_group
from airflow_netmera_kinesis.stages.plan import plan
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.state.slice import Target, Terms, state_key
from benchmarks.exports import CODES
from benchmarks.job import Figures, timed
from benchmarks.sink import REGION, STREAM, client

WHO = "bench"
QUOTA = parse_quota("1%, 100", "bench")
LOG = logging.getLogger("bench")


class Connection:
    """What the stages need of a connection."""

    def __init__(self, endpoint_url: str) -> None:
        self.settings = ConnectorSettings(region=REGION, endpoint_url=endpoint_url)
        self.fingerprint = self._endpoint_url = endpoint_url

    def get_conn(self) -> Any:
        return client(self._endpoint_url)

    def put_records_client(self, connections: int) -> Any:
        return client(self._endpoint_url, **client_options(connections))


class Work:
    """One slice on its way, in a folder for staging and state."""

    def __init__(self, root: str, exports: str, endpoint_url: str = "") -> None:
        self._exports, self._endpoint_url = exports, endpoint_url
        self._key = state_key("bench", exports)
        self._state = open_folder(str(Path(root) / "state"), "state").child(self._key)
        self._staging = open_folder(str(Path(root) / "staging"), "staging")

    @property
    def slice_id(self) -> str:
        opened = open_slice(self._state)
        assert opened is not None
        return opened.slice

    def plan(self, partitions: int = 1, packing: str = "none") -> int:
        """Freeze the slice; returns the number of match groups."""
        hooks = parse_definitions(
            [
                {"name": code, "trigger_type": "EVENT", "event_code": code, "stream_name": STREAM, "packing": packing}
                for code in CODES
            ],
            WHO,
        )
        terms = Terms(hooks, ExportFormat(), partitions, "file", Target(REGION, self._endpoint_url))
        request = PlanRequest(self._key, self._exports, terms, min_age_ms=0)
        planned = plan(self._state, self._staging, open_exports(self._exports), request, WHO, LOG)
        assert planned is not None
        return len(planned.groups)

    def match(self, group: int) -> int:
        """Returns how many lines were read."""
        folder = open_exports(self._exports).folder
        result = match_group(self._state, self._staging, folder, self.slice_id, group, WHO, LOG)
        return sum(file.lines for file in result.files)

    def gate(self) -> None:
        pass_gate(self._state, self._staging, self.slice_id, Limits(QUOTA, QUOTA), LOG)

    def send(self, partition: int = 0, concurrency: int = 8) -> int:
        """Returns how many records were delivered."""
        counts = send_partition(
            self._state,
            self._staging,
            self.slice_id,
            partition,
            SendSettings(concurrency=concurrency),
            connect=lambda: Connection(self._endpoint_url),
            stop=threading.Event(),
            who=WHO,
            log=LOG,
        )
        assert counts["delivered"] == counts["staged"]
        return counts["delivered"]

    def commit(self) -> None:
        commit(self._state, self._staging, self.slice_id, QUOTA, WHO, LOG)


def match(root: str, exports: str, endpoint_url: str = "", partitions: int = 1, packing: str = "none") -> Figures:
    """Plan and match, as far as the gate."""
    work = Work(root, exports, endpoint_url)
    figures: Figures = {"rows": 0}
    with timed(figures, "plan"):
        groups = work.plan(partitions, packing)
    with timed(figures, "match"):
        figures["rows"] = sum(work.match(group) for group in range(groups))
    with timed(figures, "gate"):
        work.gate()
    return figures


def send(root: str, exports: str, endpoint_url: str, partition: int = 0, concurrency: int = 8) -> Figures:
    """Send one partition of what is matched."""
    work = Work(root, exports, endpoint_url)
    client(endpoint_url)  # boto3's own start is not what is measured
    figures: Figures = {}
    with timed(figures, "send"):
        figures["matched"] = work.send(partition, concurrency)
    return figures


def whole(root: str, exports: str, endpoint_url: str, packing: str = "none") -> Figures:
    """All stages, one after the other."""
    client(endpoint_url)
    figures: Figures = {}
    with timed(figures, "all"):
        figures |= match(root, exports, endpoint_url, packing=packing)
        figures |= send(root, exports, endpoint_url)
        with timed(figures, "commit"):
            Work(root, exports, endpoint_url).commit()
    return figures
