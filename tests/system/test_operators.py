"""The operators do their work wherever a task runs: no database, no scheduler, only a connection."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AirflowSkipException
from sample_exports import EXPECTED, HOOKS, SAMPLES, STREAMS, arrivals, by_hook

from airflow_netmera_kinesis.errors import StreamRefused
from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator, PlanSliceOperator
from airflow_netmera_kinesis.pipeline import events_to_kinesis
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

pytestmark = pytest.mark.fake_kinesis(STREAMS)
OPERATORS = (
    PlanSliceOperator, HookMatcherOperator, GateSliceOperator, KinesisHookSenderOperator, CommitSliceOperator,
)  # fmt: skip
REFERENCES = {
    "HookMatcherOperator": "group", "GateSliceOperator": "slice", "KinesisHookSenderOperator": "partition",
    "CommitSliceOperator": "slice",
}  # fmt: skip


class Tasks:
    """Make operators with one set of places and execute them."""

    def __init__(self, root: Path) -> None:
        self.exports = root / "exports"
        shutil.copytree(SAMPLES / "events", self.exports)
        self.places = {name: str(root / name) for name in ("exports", "staging", "state")}

    def do(self, operator: type[Any], **arguments: Any) -> Any:
        task = operator(task_id="task", **self.places, **arguments)
        ti = MagicMock(dag_id="acme", task_id="task", run_id="manual", map_index=-1, try_number=1)
        return task.execute({"ti": ti, "dag_run": MagicMock(run_type="manual")})

    def plan(self, **arguments: Any) -> Any:
        return self.do(PlanSliceOperator, hooks=str(HOOKS), min_age=0, **arguments)


@pytest.fixture
def tasks(tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    return Tasks(tmp_path)


def test_five_operators_send_the_samples_and_return_references_and_counts(
    tasks: Tasks, fake_kinesis: FakeKinesis
) -> None:
    groups = tasks.plan(partitions=2)
    matched = [tasks.do(HookMatcherOperator, group=group) for group in groups]
    partitions = tasks.do(GateSliceOperator, slice=groups)
    sent = [tasks.do(KinesisHookSenderOperator, partition=partition) for partition in partitions]
    committed = tasks.do(CommitSliceOperator, slice=groups)

    firings = sum(EXPECTED["hooks"].values())
    assert [(group["group"], result["read"]) for group, result in zip(groups, matched, strict=True)] == [(0, 2_000)]
    assert [partition["partition"] for partition in partitions] == [0, 1]
    assert sum(result["delivered"] for result in sent) == committed["delivered"] == firings
    assert {result["slice"] for result in (*groups, *matched, *partitions, *sent, committed)} == {committed["slice"]}
    assert by_hook(arrivals(fake_kinesis)) == EXPECTED["hooks"]
    with pytest.raises(AirflowSkipException, match="nothing new in"):
        tasks.plan()


def test_a_task_of_a_committed_slice_is_skipped_and_commit_tells_its_counts_again(
    tasks: Tasks, fake_kinesis: FakeKinesis
) -> None:
    groups = tasks.plan()
    tasks.do(HookMatcherOperator, group=groups[0])
    (partition,) = tasks.do(GateSliceOperator, slice=groups)
    tasks.do(KinesisHookSenderOperator, partition=partition)
    committed = tasks.do(CommitSliceOperator, slice=groups)
    requests = sum(fake_kinesis.books.counts(stream).requests for stream in STREAMS)

    for operator, reference in (
        (HookMatcherOperator, {"group": groups[0]}),
        (GateSliceOperator, {"slice": groups}),
        (KinesisHookSenderOperator, {"partition": partition}),
    ):
        with pytest.raises(AirflowSkipException, match="is committed: there is nothing left to do"):
            tasks.do(operator, **reference)
    assert tasks.do(CommitSliceOperator, slice=groups) == committed
    assert sum(fake_kinesis.books.counts(stream).requests for stream in STREAMS) == requests


def test_an_error_that_a_retry_may_mend_is_left_to_airflows_retries(tasks: Tasks, fake_kinesis: FakeKinesis) -> None:
    groups = tasks.plan()
    tasks.do(HookMatcherOperator, group=groups[0])
    (partition,) = tasks.do(GateSliceOperator, slice=groups)
    fake_kinesis.faults = Faults(access_denied=1.0)
    with pytest.raises(StreamRefused, match=r"stream netmera-[a-z]+: .*AccessDenied"):
        tasks.do(KinesisHookSenderOperator, partition=partition)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_an_inactive_connector_skips_the_task_before_anything_is_touched(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, fake_kinesis: FakeKinesis, operator: type[Any]
) -> None:
    connection = json.loads(fake_kinesis.airflow_connection())
    connection["extra"]["active"] = False
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(connection))
    arguments = {name: {"slice": "any", name: 0} for name in [REFERENCES.get(operator.__name__)] if name}
    with pytest.raises(AirflowSkipException, match="inactive"):
        tasks.do(operator, **arguments)
    assert not Path(tasks.places["state"]).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partitions": 0}, "partitions is 0; allowed: a whole number from 1 to 1024"),
        ({"order": "random"}, "order is 'random'; allowed: file or timestamp"),
        ({"max_files": "all"}, "max_files is 'all'; allowed: a whole number from 1 on"),
        ({"start_after": "yesterday"}, "start_after is 'yesterday'; allowed: a date such as"),
        ({"export_format": {"delimiter": "\t"}}, r"export_format: delimiter"),
        ({"netmera_kinesis_conn_id": "nobody"}, "connection 'nobody' does not exist"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_argument_that_cannot_be_meant_fails_the_task_for_good(
    tasks: Tasks, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        tasks.plan(**arguments)


def test_not_even_a_log_at_level_debug_shows_an_event_or_a_key(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "botocore.endpoint")
    groups = tasks.plan()
    tasks.do(HookMatcherOperator, group=groups[0])
    (partition,) = tasks.do(GateSliceOperator, slice=groups)
    tasks.do(KinesisHookSenderOperator, partition=partition)
    tasks.do(CommitSliceOperator, slice=groups)
    assert len(caplog.records) > 100
    for shown in ("PartitionKey", "eventData", "udaa66d13", "AKIAFAKEKINESIS", "eyJob29rTmFtZSI6"):
        assert shown not in caplog.text, shown


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_every_argument_is_a_template_and_documented(operator: type[Any]) -> None:
    with DAG("acme", schedule=None):
        task = operator(task_id="task", **{REFERENCES.get(operator.__name__, "hooks"): "any"})
    fields = set(operator.template_fields)
    assert {"exports", "staging", "state", "netmera_kinesis_conn_id"} <= fields
    assert all(hasattr(task, field) for field in fields)
    assert all(f":param {field}: " in str(operator.__doc__) for field in fields)


def test_places_are_rendered_from_templates_and_keep_their_types() -> None:
    dag = events_to_kinesis("acme", exports="/exports", partitions=4, hooks=[{"name": "purchases"}])
    plan: Any = dag.get_task("plan")
    plan.render_template_fields({"params": {name: dag.params[name] for name in dag.params}})
    assert (plan.exports, plan.partitions, plan.hooks) == ("/exports", 4, [{"name": "purchases"}])


def test_a_dag_file_is_parsed_without_what_is_heavy() -> None:
    parse = (
        "import sys, airflow.models, airflow.providers.common.compat.sdk as sdk\n"
        "sdk.DAG, sdk.Param, sdk.BaseOperator, sdk.conf\n"
        "before = set(sys.modules)\n"
        "import airflow_netmera_kinesis.pipeline as pipeline\n"
        "pipeline.events_to_kinesis('acme')\n"
        "print('loaded:', *sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", parse], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"boto3", "botocore", "aiobotocore", "s3fs", "fsspec", "pandas", "openpyxl", "airflow.providers.amazon.aws"}
    assert "airflow_netmera_kinesis.operators.slice" in loaded
    assert loaded & heavy == set()
