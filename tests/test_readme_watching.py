"""What the README says of payload rules and of watching is what the code does."""

from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from airflow_netmera_kinesis import metrics
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
ON_AIRFLOW_2 = version("apache-airflow").startswith("2.")


def snippet(language: str, holding: str) -> str:
    """The one code block of a language that holds a text."""
    (found,) = [block for block in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in block]
    return str(found)


def test_the_example_of_payload_rules_is_right() -> None:
    (hook,) = load_definitions(snippet("yaml", "hash_partition_key").encode(), "README.md")
    assert hook.payload.drop == ("identities.email", "userAttributes.*", "eventData.params.items[].eb")
    assert hook.oversize.drop == ("eventData.params.items",)
    assert hook.hash_partition_key


def test_every_metric_is_listed() -> None:
    table = README.partition("| `netmera_kinesis.…` |")[2].partition("\n\n")[0]
    listed = {name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    names = {value for name, value in vars(metrics).items() if name.isupper() and isinstance(value, str)}
    assert listed == names


@pytest.mark.skipif(ON_AIRFLOW_2, reason="Airflow 2 has no DeadlineAlert")
def test_the_example_of_a_deadline_makes_a_dag_that_airflow_can_keep() -> None:
    names: dict[str, Any] = {}
    exec(snippet("python", "DeadlineAlert"), names)
    (alert,) = names["dag"].deadline
    assert alert.interval.total_seconds() == 1_800
    serialized: Any = import_module("airflow.serialization.serialized_objects")
    written = json.dumps(serialized.DagSerialization.to_dict(names["dag"]))
    assert "acme_alerts.page_somebody" in written
