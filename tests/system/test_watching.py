"""What a run lets others see of it: metrics, lineage and links, without an event, a key or a user in any of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import airflow.providers.common.compat.sdk as compat
import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde
from recorded_metrics import RecordedMetrics
from sample_exports import EXPECTED, HOOKS, SAMPLES, STREAMS

from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator, PlanSliceOperator
from airflow_netmera_kinesis.testing import FakeKinesis

ACTIVITY = "netmera-activity"


class Stats:
    """Airflow's metrics, as far as operators use them."""

    def __init__(self) -> None:
        self.recorded = RecordedMetrics()

    def incr(self, stat: str, count: int, *, tags: dict[str, str]) -> None:
        self.recorded.count(stat, count, **tags)

    def gauge(self, stat: str, value: float, *, tags: dict[str, str]) -> None:
        self.recorded.gauge(stat, value, **tags)


STATS = Stats()


class Watched:
    """One run of all five operators, two send tasks side by side."""

    def __init__(self, root: Path) -> None:
        shutil.copytree(SAMPLES / "events", root / "exports")
        self.places = {name: str(root / name) for name in ("exports", "staging", "state")}
        self.xcom: dict[str, Any] = {}
        self.plan = self._do(PlanSliceOperator, hooks=str(HOOKS), min_age=0, partitions=2)
        (self.match,) = [self._do(HookMatcherOperator, group=group) for group in self.plan.returned]
        self.gate = self._do(GateSliceOperator, slice=self.plan.returned)
        self.send = [self._do(KinesisHookSenderOperator, partition=partition) for partition in self.gate.returned]
        self.commit = self._do(CommitSliceOperator, slice=self.plan.returned)

    def _do(self, operator: type[Any], **arguments: Any) -> Any:
        task = operator(task_id="task", **self.places, **arguments)
        ti = MagicMock(dag_id="acme", task_id="task", run_id="manual", map_index=-1, try_number=1)
        ti.xcom_push = lambda key, value: self.xcom.update({key: value})
        task.returned = task.execute({"ti": ti, "dag_run": MagicMock(run_type="manual")})
        return task


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with FakeKinesis(STREAMS) as kinesis, pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", kinesis.airflow_connection())
        patched.setattr(compat, "Stats", STATS, raising=False)
        yield Watched(tmp_path_factory.mktemp("watched"))


@pytest.mark.usefixtures("watched")
def test_the_metrics_of_all_tasks_add_up_to_what_the_samples_hold() -> None:
    counted = STATS.recorded
    assert counted.of("netmera_kinesis.events_read") == {"dag_id=acme": 2_000}
    hooks = EXPECTED["hooks"]
    for name in ("matched", "delivered"):
        told = counted.of(f"netmera_kinesis.{name}")
        assert {tags.split()[1]: count for tags, count in told.items()} == {
            f"hook={hook}": n for hook, n in hooks.items()
        }
    assert sum(counted.of("netmera_kinesis.requests").values()) > 0
    assert sum(counted.of("netmera_kinesis.bytes").values()) > 100_000
    assert {name for name in counted.gauges if ACTIVITY in name} == {
        f"netmera_kinesis.lag dag_id=acme stream={ACTIVITY}"
    }


def facets(task: Any) -> dict[str, Any]:
    """The lineage of a task as OpenLineage sends it."""
    told = task.get_openlineage_facets_on_complete(None)
    event = RunEvent(
        eventTime="2026-09-06T10:00:00Z",
        producer="https://example.invalid/test",
        eventType=RunState.COMPLETE,
        run=Run(runId="01991f4e-7a2b-7000-8000-000000000000"),
        job=Job(namespace="acme", name="acme.task"),
        inputs=told.inputs,
        outputs=told.outputs,
    )
    said: dict[str, Any] = json.loads(Serde.to_json(event))
    return said


def test_match_names_the_files_that_it_read(watched: Watched) -> None:
    told = facets(watched.match)
    exports = Path(watched.places["exports"])
    assert [(file["namespace"], file["name"]) for file in told["inputs"]] == [
        ("file", str(path)) for path in sorted(exports.iterdir())
    ]
    statistics = [file["inputFacets"]["inputStatistics"] for file in told["inputs"]]
    assert sum(facet["rowCount"] for facet in statistics) == 2_000
    assert [facet["size"] for facet in statistics] == [path.stat().st_size for path in sorted(exports.iterdir())]
    assert told["outputs"] == []


def test_send_names_its_streams_with_what_they_got(watched: Watched) -> None:
    outputs = [stream for task in watched.send for stream in facets(task)["outputs"]]
    assert {stream["namespace"] for stream in outputs} == {"kinesis://eu-central-1"}
    assert {stream["name"] for stream in outputs} == {"netmera-purchases", "netmera-carts", ACTIVITY}
    assert sum(stream["outputFacets"]["outputStatistics"]["rowCount"] for stream in outputs) == sum(
        EXPECTED["hooks"].values()
    )


def test_commit_draws_the_line_from_the_files_to_the_streams(watched: Watched) -> None:
    told = facets(watched.commit)
    assert len(told["inputs"]) == 2
    assert {stream["name"]: stream["outputFacets"]["outputStatistics"]["rowCount"] for stream in told["outputs"]} == {
        "netmera-purchases": 90, "netmera-carts": 64, ACTIVITY: 317,
    }  # fmt: skip


def test_a_task_that_did_nothing_has_no_lineage(watched: Watched) -> None:
    idle = CommitSliceOperator(task_id="idle", slice="s", **watched.places)
    assert idle.get_openlineage_facets_on_complete(None) is None
    again = watched._do(CommitSliceOperator, slice=watched.plan.returned)
    assert again.get_openlineage_facets_on_complete(None) is None


def test_a_send_task_leaves_its_links_for_the_page_of_the_task(watched: Watched) -> None:
    (links,) = watched.xcom.values()
    assert links["stream"] == "", "a stand-in of Kinesis has no page in the console"
    assert links["dead_letters"].startswith(f"file://{watched.places['state']}/acme-")
    assert links["dead_letters"].endswith(f"/dead_letters/{watched.commit.returned['slice']}/")
