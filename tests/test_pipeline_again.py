"""The DAGs that send again, as their factories make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ParamValidationError

from airflow_netmera_kinesis.again_param import REASONS, REPLAY_PARAMS, RESEND_PARAMS
from airflow_netmera_kinesis.pipeline import replay_dead_letters, resend
from airflow_netmera_kinesis.state.dead_letter import Reason

FACTORIES = [(resend, RESEND_PARAMS), (replay_dead_letters, REPLAY_PARAMS)]


@pytest.mark.parametrize(("factory", "params"), FACTORIES, ids=["resend", "replay"])
def test_they_wait_to_be_triggered_and_show_first(factory: Callable[..., Any], params: Any) -> None:
    dag = factory("again", state="/state", partitions=4)
    assert list(dag.params) == [param.name for param in params]
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description
        param.resolve()
    assert (dag.params["dry_run"], dag.params["state"], dag.params["partitions"]) == (True, "/state", 4)
    assert dag.params["of_dag"] == "netmera_events_to_kinesis"
    assert [task.task_id for task in dag.topological_sort()] == [
        "plan", "preflight", "match", "gate", "send", "commit",
    ]  # fmt: skip
    assert (dag.max_active_runs, dag.catchup, dag.get_task("plan").retries) == (1, False, 5)
    assert json.dumps(dag.doc_md)


@pytest.mark.parametrize(
    ("factory", "conf"),
    [
        (resend, {"files": "a.csv"}), (resend, {"from_date": 20260906}), (resend, {"dry_run": "no"}),
        (replay_dead_letters, {"reasons": ["BROKEN"]}), (replay_dead_letters, {"of_dag": None}),
        (replay_dead_letters, {"again": 1}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)  # fmt: skip
def test_the_trigger_form_refuses_what_a_param_cannot_be(factory: Callable[..., Any], conf: dict[str, Any]) -> None:
    ((name, value),) = conf.items()
    with pytest.raises(ParamValidationError):
        factory("again").params.get_param(name).resolve(value)


def test_the_form_offers_every_reason() -> None:
    assert [reason.value for reason in Reason] == list(REASONS)
