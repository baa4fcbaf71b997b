from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import MappedOperator, ParamValidationError, TriggerRule

from airflow_netmera_kinesis.dag_param import PARAMS
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.pipeline import events_to_kinesis

DAGS = Path(__file__).parent.parent / "dags"
README = DAGS.parent / "README.md"


def defaults_of(dag: Any) -> dict[str, Any]:
    return {name: dag.params[name] for name in dag.params}


def test_a_dag_has_a_param_for_everything_each_with_its_help_and_type() -> None:
    dag = events_to_kinesis("acme")
    assert list(dag.params) == [param.name for param in PARAMS]
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description
        assert {"type", "anyOf"} & set(param.schema)
        param.resolve()


def test_folders_that_are_set_nowhere_do_not_keep_the_dag_from_importing() -> None:
    defaults = defaults_of(events_to_kinesis("acme"))
    assert [defaults[name] for name in ("exports", "hooks", "staging", "state")] == [None] * 4


def test_an_argument_is_the_default_of_the_param_of_its_name() -> None:
    given = {"exports": "/exports", "partitions": 4, "min_age": 0, "order": "timestamp", "receipts": True}
    defaults = defaults_of(events_to_kinesis("acme", **given))  # type: ignore[arg-type]
    assert {name: defaults[name] for name in given} == given


def test_what_is_left_out_comes_from_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EXPORTS": "s3://acme/events",
        "MAX_FILES": "7",
        "RECEIPTS": "true",
        "MIN_AGE": "5 min",
    }.items():
        monkeypatch.setenv(f"AIRFLOW__NETMERA_KINESIS__{name}", value)
    defaults = defaults_of(events_to_kinesis("acme", max_files=9))
    assert [defaults[name] for name in ("exports", "max_files", "receipts", "min_age")] == [
        "s3://acme/events", 9, True, "5 min",
    ]  # fmt: skip


def test_an_option_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NETMERA_KINESIS__PARTITIONS", "many")
    with pytest.raises(
        ConfigurationError, match=r"\[netmera_kinesis\] partitions is 'many': it must be a whole number"
    ):
        events_to_kinesis("acme")


def test_hook_definitions_may_be_given_as_a_list() -> None:
    hooks = [{"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "purchases"}]
    dag = events_to_kinesis("acme", hooks=hooks)
    assert dag.params.get_param("hooks").resolve() == hooks


@pytest.mark.parametrize(
    "conf",
    [
        {"partitions": 0}, {"partitions": 1025}, {"partitions": "4"}, {"max_files": 0}, {"order": "random"},
        {"on_bad_file": "ignore"}, {"receipts": "yes"}, {"min_age": -1}, {"exports": ""}, {"export_format": 1},
    ],
    ids=str,
)  # fmt: skip
def test_the_trigger_form_refuses_what_a_param_cannot_be(conf: dict[str, Any]) -> None:
    ((name, value),) = conf.items()
    with pytest.raises(ParamValidationError):
        events_to_kinesis("acme").params.get_param(name).resolve(value)


def test_the_tasks_stand_in_their_order_and_commit_waits_for_every_partition() -> None:
    dag: Any = events_to_kinesis("acme")
    assert [task.task_id for task in dag.topological_sort()] == ["plan", "preflight", "match", "gate", "send", "commit"]
    assert {task.task_id for task in dag.tasks if isinstance(task, MappedOperator)} == {"match", "send"}
    assert {task.trigger_rule for task in dag.tasks} == {TriggerRule.ALL_SUCCESS}
    assert dag.get_task("commit").upstream_task_ids >= {"send"}


def test_one_run_at_a_time_no_catching_up_and_retries_that_grow() -> None:
    dag = events_to_kinesis("acme")
    assert (dag.max_active_runs, dag.catchup, dag.render_template_as_native_obj) == (1, False, True)
    for task in dag.tasks:
        assert task.retries == 5
        assert task.retry_exponential_backoff
    assert events_to_kinesis("acme", default_args={"retries": 1}).get_task("commit").retries == 1


def test_several_apps_are_several_calls() -> None:
    dags = [events_to_kinesis(name, exports=f"/{name}", tags=[name]) for name in ("shop", "bank")]
    assert [dag.params["exports"] for dag in dags] == ["/shop", "/bank"]


def test_the_shipped_dags_are_parsed_without_an_error_and_without_a_setting(tmp_path: Path) -> None:
    from airflow.models import DagBag

    bag = DagBag(dag_folder=str(DAGS))
    assert bag.import_errors == {}
    assert "netmera_events_to_kinesis" in bag.dag_ids


def test_airflow_finds_the_dags_of_the_readme_as_they_stand(tmp_path: Path) -> None:
    from airflow.models import DagBag

    blocks = re.findall("```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for number, block in enumerate(block for block in blocks if "DeadlineAlert" not in block):
        (tmp_path / f"block_{number}.py").write_text(block, encoding="utf-8")
    bag = DagBag(dag_folder=str(tmp_path))
    assert bag.import_errors == {}
    assert {"netmera_events_to_kinesis", "netmera_shop", "netmera_bank", "my_netmera", "my_netmera_taskflow"} <= set(
        bag.dag_ids
    )
    for dag in bag.dags.values():
        assert set(stored_and_restored(dag).task_dict) >= {"plan", "match", "gate", "send", "commit"}


def stored_and_restored(dag: Any) -> Any:
    """Do what Airflow does between the DAG processor and the scheduler."""
    from airflow.serialization import serialized_objects

    names = vars(serialized_objects)
    serialization = names.get("DagSerialization") or names["SerializedDAG"]  # Airflow 3 or 2
    return serialization.from_dict(json.loads(json.dumps(serialization.to_dict(dag))))


def test_a_dag_survives_being_stored_by_airflow() -> None:
    restored = stored_and_restored(events_to_kinesis("acme", exports="/exports"))
    assert set(restored.task_dict) == {"plan", "preflight", "match", "gate", "send", "commit"}
    assert restored.params["exports"] == "/exports"
