from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from moto import mock_aws

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, TriggerType
from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.terms import record_limits
from airflow_netmera_kinesis.state.open_slice import begin_slice
from airflow_netmera_kinesis.state.slice import (
    ExportFile,
    Slice,
    Target,
    save_slice,
    state_key,
)
from airflow_netmera_kinesis.storage import LocalFolder

HOOK = HookDefinition("purchases", TriggerType.EVENT, event_code="n:ph", stream_name="netmera-purchases")
EVENT = {"eventCode": "n:ph", "userId": "u-ayşe", "id": "e1"}
CONTEXT: Any = {"ti": MagicMock(dag_id="acme", task_id="match", map_index=0, run_id="manual", try_number=1)}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Exports, staging and state, with a slice of one file open, and an active connector."""
    connect(monkeypatch, active=True)
    places = {name: str(tmp_path / name) for name in ("exports", "staging", "state")}
    exports = LocalFolder(tmp_path / "exports")
    exports.write("a.ndjson", json.dumps(EVENT).encode() + b'\nbroken\n{"eventCode":"n:ph"}\n{"eventCode":"n:cl"}\n')
    info = exports.info("a.ndjson")
    current = Slice(
        id="s1", exports=places["exports"], files=(ExportFile(info.name, info.size, info.modified_ms, info.etag),),
        groups=((0,),), hooks=(HOOK,), export_format=ExportFormat(), partitions=1, order="file",
        target=Target("eu-central-1"), predecessor="", created_ms=0,
    )  # fmt: skip
    state = LocalFolder(tmp_path / "state").child(state_key("acme", places["exports"]))
    save_slice(state, current)
    begin_slice(state, current)
    return places


def connect(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> None:
    connection = {"conn_type": "netmera_kinesis", "login": "AKIAACME", "password": "s3cret/of+acme",
                  "extra": {"region": "eu-central-1", **extra}}  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(connection))


def matcher(places: dict[str, str], group: Any = None) -> HookMatcherOperator:
    return HookMatcherOperator(task_id="match", group=group or {"slice": "s1", "group": 0}, **places)


def test_a_group_is_matched_and_its_counts_are_all_that_is_returned(places: dict[str, str]) -> None:
    assert matcher(places).execute(CONTEXT) == {
        "slice": "s1", "group": 0, "files": 1, "read": 4, "malformed": 1, "events": 3, "firings": 2, "staged": 1,
        "dead_letters": 1,
    }  # fmt: skip


def test_an_inactive_connector_skips_the_task_and_touches_nothing(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect(monkeypatch, active=False)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(AirflowSkipException, match="inactive"):
        matcher(places).execute(CONTEXT)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_vanished_fails_the_task_for_good_and_by_name(places: dict[str, str]) -> None:
    LocalFolder(Path(places["exports"])).delete("a.ndjson")
    with pytest.raises(AirflowFailException, match=r"a.ndjson vanished after it had been planned"):
        matcher(places).execute(CONTEXT)


@pytest.mark.parametrize("group", ["s1", {"slice": "s1"}, {"slice": 1, "group": 0}, [{"slice": "s1", "group": 0}]])
def test_a_group_is_one_of_plans_references(places: dict[str, str], group: Any) -> None:
    with pytest.raises(AirflowFailException, match="allowed: one of the references that PlanSliceOperator returns"):
        matcher(places, group).execute(CONTEXT)


def test_what_a_user_may_set_is_templated() -> None:
    assert HookMatcherOperator.template_fields == ("group", "exports", "staging", "state", "netmera_kinesis_conn_id")


def test_a_large_record_is_measured_by_its_streams_own_limit(places: dict[str, str]) -> None:
    with mock_aws():
        boto3.client("kinesis", "eu-central-1").create_stream(StreamName="netmera-purchases", ShardCount=1)
        assert record_limits("netmera_kinesis_default")(HOOK) == 1_048_576
