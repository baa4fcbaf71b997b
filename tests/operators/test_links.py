"""A send task's page leads to its streams and to its dead letters."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import version
from typing import Any
from unittest.mock import MagicMock

import msgspec
import pytest

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.links import DeadLettersLink, KinesisStreamLink, keep_links
from airflow_netmera_kinesis.pipeline import events_to_kinesis
from airflow_netmera_kinesis.provider_info import get_provider_info
from airflow_netmera_kinesis.state.slice import Slice, Target

ON_AIRFLOW_2 = version("apache-airflow").startswith("2.")
PURCHASES = HookDefinition("purchases", event_code="n:ph", stream_name="netmera-purchases")
CARTS = HookDefinition("carts", event_code="n:acp", stream_name="netmera-carts")


def slice_of(*hooks: HookDefinition, target: Target = Target("eu-central-1")) -> Slice:  # noqa: B008
    return Slice("s1", "/exports", (), (), hooks, ExportFormat(), 1, "file", target, "", 0)


def kept(monkeypatch: pytest.MonkeyPatch, current: Slice, state: str = "/srv/state/acme") -> dict[str, str]:
    """What both links lead to, once a send task has begun."""
    xcom: dict[str, Any] = {}
    ti = MagicMock(xcom_push=lambda key, value: xcom.update({key: value}))
    context: Any = {"ti": ti}
    keep_links(context, current, state)
    monkeypatch.setattr("airflow_netmera_kinesis.operators.links.XCom.get_value", lambda *, ti_key, key: xcom.get(key))
    task, key = MagicMock(), MagicMock()
    return {link.name: link.get_link(task, ti_key=key) for link in (KinesisStreamLink(), DeadLettersLink())}


def test_one_stream_has_a_page_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = msgspec.structs.replace(CARTS, active=False)
    assert kept(monkeypatch, slice_of(PURCHASES, asleep))["Kinesis stream"] == (
        "https://eu-central-1.console.aws.amazon.com/kinesis/home?region=eu-central-1#/streams/details/"
        "netmera-purchases/monitoring"
    )


def test_several_streams_are_found_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(monkeypatch, slice_of(PURCHASES, CARTS))["Kinesis stream"] == (
        "https://eu-central-1.console.aws.amazon.com/kinesis/home?region=eu-central-1#/streams/list"
    )


@pytest.mark.parametrize(
    ("region", "host"), [("cn-north-1", "console.amazonaws.cn"), ("us-gov-west-1", "console.amazonaws-us-gov.com")]
)
def test_other_partitions_of_aws_have_consoles_of_their_own(
    monkeypatch: pytest.MonkeyPatch, region: str, host: str
) -> None:
    found = kept(monkeypatch, slice_of(PURCHASES, target=Target(region)), "s3://acme/state")
    assert found["Kinesis stream"].startswith(f"https://{region}.{host}/kinesis/")
    assert found["Dead letters"].startswith(f"https://{host}/s3/")


def test_a_stand_in_of_kinesis_has_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    current = slice_of(PURCHASES, target=Target("eu-central-1", "http://127.0.0.1:4567"))
    assert kept(monkeypatch, current)["Kinesis stream"] == ""


@pytest.mark.parametrize(
    ("state", "page"),
    [
        ("/srv/a b/acme", "file:///srv/a%20b/acme/dead_letters/s1/"),
        (
            "s3://aws_default@acme-netmera/state/acme",
            "https://console.aws.amazon.com/s3/buckets/acme-netmera?prefix=state/acme/dead_letters/s1/",
        ),
        ("gs://acme/state", "https://console.cloud.google.com/storage/browser/acme/state/dead_letters/s1/"),
        ("abfs://acme/state", "abfs://acme/state/dead_letters/s1/"),
    ],
)
def test_dead_letters_are_shown_where_the_state_lies(monkeypatch: pytest.MonkeyPatch, state: str, page: str) -> None:
    assert kept(monkeypatch, slice_of(PURCHASES), state)["Dead letters"] == page


def test_a_task_that_has_not_begun_has_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_netmera_kinesis.operators.links.XCom.get_value", lambda *, ti_key, key: None)
    assert KinesisStreamLink().get_link(MagicMock(), ti_key=MagicMock()) == ""


def test_the_provider_names_its_links_and_a_serialized_dag_keeps_them() -> None:
    classes = [KinesisStreamLink, DeadLettersLink]
    assert get_provider_info()["extra-links"] == [f"{link.__module__}.{link.__qualname__}" for link in classes]
    assert [type(link) for link in KinesisHookSenderOperator.operator_extra_links] == classes
    dag: Any = events_to_kinesis("acme_links")
    serialized: Any = import_module("airflow.serialization.serialized_objects")
    serializer = serialized.SerializedDAG if ON_AIRFLOW_2 else serialized.DagSerialization
    written = json.loads(json.dumps(serializer.to_dict(dag)))
    read = serializer.from_dict(written)
    assert sorted(read.get_task("send").extra_links) == ["Dead letters", "Kinesis stream"]
