"""Drive the real stages around the sender: plan, match and gate before it, commit after it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.location import open_exports, open_folder
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.quota import Quota, parse_quota
from airflow_netmera_kinesis.stages.commit import commit
from airflow_netmera_kinesis.stages.gate import Limits, pass_gate
from airflow_netmera_kinesis.stages.match import match_group
from airflow_netmera_kinesis.stages.plan import plan
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, read_dead_letters
from airflow_netmera_kinesis.state.ledger import Ledger, open_ledger
from airflow_netmera_kinesis.state.match_result import load_result
from airflow_netmera_kinesis.state.slice import Target, Terms, state_key
from airflow_netmera_kinesis.state.staging import records_of
from soak.events import EVENT_CODE

REGION, STREAM, HOOK, WHO = "eu-central-1", "soak", "purchases", "soak"
# A client that waits for half a minute would be a soak of waiting.
READ_TIMEOUT_SECONDS = 2.0
DEAD_LETTERS = parse_quota("1%, 100", "max_dead_letters")
LOG = logging.getLogger("soak")


class Work(msgspec.Struct, frozen=True):
    """One slice of the folder ``root``, which holds exports, staging and state."""

    root: str
    endpoint_url: str
    slice_id: str = ""
    partitions: int = 1

    @property
    def exports(self) -> str:
        return str(Path(self.root) / "exports")

    @property
    def state(self) -> Any:
        return open_folder(str(Path(self.root) / "state")).child(state_key(WHO, self.exports))

    @property
    def staging(self) -> Any:
        return open_folder(str(Path(self.root) / "staging"))

    def prepare(self, packing: str) -> Work:
        """Plan, match and pass the gate; returns the work with its slice."""
        hook = {
            "name": HOOK,
            "trigger_type": "EVENT",
            "event_code": EVENT_CODE,
            "stream_name": STREAM,
            "packing": packing,
        }
        target = Target(REGION, self.endpoint_url)
        terms = Terms(parse_definitions([hook], WHO), ExportFormat(), self.partitions, "file", target)
        request = PlanRequest(state_key(WHO, self.exports), self.exports, terms, min_age_ms=0)
        place = open_exports(self.exports)
        planned = plan(self.state, self.staging, place, request, WHO, LOG)
        assert planned is not None
        match_group(self.state, self.staging, place.folder, planned.id, 0, WHO, LOG)
        pass_gate(self.state, self.staging, planned.id, Limits(Quota(), DEAD_LETTERS), LOG)
        return msgspec.structs.replace(self, slice_id=planned.id)

    def payload_bytes(self) -> int:
        """How many bytes are to be stored."""
        parts = load_result(self.staging, self.slice_id, 0).parts
        return sum(len(record.payload) for part in parts for record in records_of(self.staging, part))

    def ledger(self, partition: int) -> Ledger:
        return open_ledger(self.state, self.slice_id, STREAM, partition)

    def dead_letters(self) -> dict[int, DeadLetter]:
        """The dead letters by line; of one that was written twice, the later counts."""
        names = [info.name for info in self.state.list("dead_letters/")]
        return {letter.line: letter for name in sorted(names) for letter in read_dead_letters(self.state, name)}

    def commit(self) -> None:
        commit(self.state, self.staging, self.slice_id, DEAD_LETTERS, WHO, LOG)


class Connection:
    """What a sender needs of a connection."""

    def __init__(self, endpoint_url: str, read_timeout: float = READ_TIMEOUT_SECONDS) -> None:
        self.settings = ConnectorSettings(region=REGION, endpoint_url=endpoint_url)
        self.fingerprint = self._endpoint_url = endpoint_url
        self._read_timeout = read_timeout

    def get_conn(self) -> Any:
        return client(self._endpoint_url)

    def put_records_client(self, connections: int) -> Any:
        return client(
            self._endpoint_url,
            retries={"total_max_attempts": 1},
            max_pool_connections=connections,
            read_timeout=self._read_timeout,
        )


def client(endpoint_url: str, **config: Any) -> Any:
    """Make a boto3 client for the endpoint."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "kinesis",
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id="AKIASOAK",
        aws_secret_access_key="any",
        config=Config(**config),
    )
