"""What a form, a template or a deployment may hand to the tasks that pull, plan and commit push results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from netmera_server import KEY, FakeNetmera, Reply, error, served
from pull_site import MINUTE, results

from airflow_netmera_kinesis.errors import RestQuotaSpent, RestUnavailable
from airflow_netmera_kinesis.operators.push_results import PlanPushResultsOperator, PullPushResultsOperator
from airflow_netmera_kinesis.pipeline import message_logs_to_kinesis
from airflow_netmera_kinesis.pull_request import notification_keys
from airflow_netmera_kinesis.testing import FakeKinesis

HOOKS = [
    {
        "name": "message-logs",
        "trigger_type": "MESSAGE_LOG",
        "stream_name": "netmera-message-logs",
        "partition_key": ["extId", "installationId"],
    }
]
NOON = datetime(2026, 9, 6, 12, tzinfo=timezone.utc)
NOON_MS = int(NOON.timestamp() * 1000)
Do = Callable[..., Any]


@pytest.fixture
def netmera() -> FakeNetmera:
    fake = FakeNetmera()
    fake.now_ms = NOON_MS + 365 * 24 * 60 * MINUTE
    return fake


@pytest.fixture
def connected(
    netmera: FakeNetmera, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    with served(netmera) as url:
        rest = {"conn_type": "netmera_rest", "password": KEY, "host": url}
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_REST_DEFAULT", json.dumps(rest))
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
        yield monkeypatch


@pytest.fixture
def do(tmp_path: Path, connected: pytest.MonkeyPatch) -> Do:
    def execute(operator: type[Any], end: datetime | None = NOON, run_type: str = "scheduled", **asked: Any) -> Any:
        places = {name: str(tmp_path / name) for name in ("staging", "state")}
        task = operator(task_id="task", **{**places, **asked})
        ti = MagicMock(dag_id="acme", task_id="task", run_id="monday", map_index=-1, try_number=1)
        context = {"ti": ti, "dag_run": MagicMock(run_type=run_type, run_id="monday")}
        return task.execute({**context, "data_interval_end": end} if end else context)

    return execute


def pull(do: Do, **asked: Any) -> str:
    return str(do(PullPushResultsOperator, **asked))


def test_what_was_pulled_is_what_plan_takes(do: Do, netmera: FakeNetmera, tmp_path: Path) -> None:
    netmera.add(*results(1, 2, at=NOON_MS))
    exports = pull(do)
    assert exports.startswith(f"{tmp_path}/state/push_results/acme-")
    Path(exports, "push_results_20260906T1200_00000009_left_over.ndjson").write_text("{}\n")
    (planned,) = do(PlanPushResultsOperator, exports=exports, hooks=HOOKS)
    (written,) = Path(tmp_path, "state").rglob(f"slices/{planned['slice']}.json")
    frozen = json.loads(written.read_text())
    assert len(frozen["files"]) == 1
    assert (frozen["order"], frozen["export_format"]["record_type"]) == ("timestamp", "MESSAGE_LOG")


def test_nothing_new_leaves_it_to_plan_to_say_so(do: Do) -> None:
    exports = pull(do)
    with pytest.raises(AirflowSkipException, match="nothing new in"):
        do(PlanPushResultsOperator, exports=exports, hooks=HOOKS)


@pytest.mark.parametrize("end", [NOON, NOON + timedelta(days=365_000 // 24), None])
def test_the_window_ends_with_the_data_interval_but_never_in_the_future(
    do: Do, netmera: FakeNetmera, end: datetime | None
) -> None:
    pull(do, end=end)
    asked_end = int(netmera.asked[0]["end"])
    now_ms = datetime.now(timezone.utc).timestamp() * 1000
    assert asked_end == NOON_MS if end == NOON else now_ms - 60 * MINUTE < asked_end <= now_ms


def test_params_decide_what_is_asked_for(do: Do, netmera: FakeNetmera) -> None:
    pull(do, look_back="10 min", page_size=7, notification_keys="2346, 2345")
    assert netmera.asked == [
        {"notificationKey": key, "start": str(NOON_MS - 10 * MINUTE), "end": str(NOON_MS), "max": "7"}
        for key in ("2345", "2346")
    ]


def test_a_first_pull_may_begin_at_a_date_of_its_zone(do: Do, netmera: FakeNetmera) -> None:
    pull(do, start_after="2026-09-06", max_window="336 h")
    assert int(netmera.asked[0]["start"]) == int(datetime(2026, 9, 5, 21, tzinfo=timezone.utc).timestamp() * 1000)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, ()), ("None", ()), ("", ()), ([], ()), (" 7 ", ("7",)), (2345, ("2345",)), ((2, 1), ("1", "2")),
        ("a, b,a", ("a", "b")), (["a-1", 2], ("2", "a-1")),
    ],
)  # fmt: skip
def test_keys_of_notifications_come_in_many_ways(given: object, read: tuple[str, ...]) -> None:
    assert notification_keys(given) == read


@pytest.mark.parametrize(
    "asked",
    [
        {"look_back": "a while"}, {"look_back": "337 h"}, {"look_back": -1}, {"max_window": "30 s"}, {"page_size": 0},
        {"page_size": 10_001}, {"page_size": "many"}, {"start_after": "tomorrow"}, {"max_malformed": "some"},
        {"notification_keys": "a&b"}, {"notification_keys": True}, {"notification_keys": list(range(101))},
        {"state": None}, {"staging": ""},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_read_is_named_before_anything_is_asked(
    do: Do, netmera: FakeNetmera, asked: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match=next(iter(asked))):
        pull(do, **asked)
    assert netmera.asked == []


def test_an_inactive_connector_pulls_nothing(
    do: Do, netmera: FakeNetmera, fake_kinesis: FakeKinesis, connected: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inactive = json.loads(fake_kinesis.airflow_connection())
    inactive["extra"]["active"] = False
    connected.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(inactive))
    connected.delenv("AIRFLOW_CONN_NETMERA_REST_DEFAULT")
    with pytest.raises(AirflowSkipException, match="is inactive: nothing is read or sent"):
        pull(do)
    assert netmera.asked == []
    assert list(tmp_path.iterdir()) == []


def test_connections_that_are_missing_are_both_named(do: Do, connected: pytest.MonkeyPatch) -> None:
    for name in ("KINESIS", "REST"):
        connected.delenv(f"AIRFLOW_CONN_NETMERA_{name}_DEFAULT")
    with pytest.raises(AirflowFailException) as failed:
        pull(do)
    for name in ("netmera_kinesis_default", "netmera_rest_default"):
        assert f"connection '{name}' does not exist: create it" in str(failed.value)


def test_a_backfill_is_refused(do: Do, netmera: FakeNetmera) -> None:
    with pytest.raises(AirflowFailException, match="is a backfill"):
        pull(do, run_type="backfill")
    assert netmera.asked == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(403, 2010, "API key is invalid"), AirflowFailException),
        (error(400, 5022, "Quota exceeded"), RestQuotaSpent),
        (Reply(429, b"", {"Retry-After": "3600"}), RestUnavailable),
    ],
)
def test_airflow_tries_again_what_may_pass_and_nothing_else(
    do: Do, netmera: FakeNetmera, reply: Reply, kind: type[Exception]
) -> None:
    netmera.faults.append(reply)
    with pytest.raises(kind):
        pull(do)


def test_the_dag_ends_its_windows_with_a_data_interval_of_a_minute() -> None:
    dag: Any = message_logs_to_kinesis("acme")
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert [task.task_id for task in dag.topological_sort()][:2] == ["pull", "plan"]
    assert {"plan", "match", "gate", "send", "commit"} <= dag.get_task("pull").downstream_task_ids
    own = message_logs_to_kinesis("acme_hourly", "0 * * * *", notification_keys=["2345"])
    assert own.params["notification_keys"] == ["2345"]
    by_hand: Any = message_logs_to_kinesis("acme_by_hand", None)
    assert type(by_hand.timetable).__name__ == "NullTimetable"


def test_the_dag_has_the_params_that_concern_it_each_with_its_help_and_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__NETMERA_KINESIS__LOOK_BACK", "90 min")
    monkeypatch.setenv("AIRFLOW__NETMERA_KINESIS__PAGE_SIZE", "1000")
    dag = message_logs_to_kinesis("acme")
    assert not {"exports", "export_format", "min_age", "order", "max_files", "on_bad_file"} & set(dag.params)
    assert [dag.params[name] for name in ("look_back", "page_size", "max_window", "netmera_rest_conn_id")] == [
        "90 min", 1000, "6 h", "netmera_rest_default",
    ]  # fmt: skip
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description
        param.resolve()


def test_the_dag_survives_being_stored_by_airflow() -> None:
    from airflow.serialization import serialized_objects

    names = vars(serialized_objects)
    serialization = names.get("DagSerialization") or names["SerializedDAG"]  # Airflow 3 or 2
    stored = json.dumps(serialization.to_dict(message_logs_to_kinesis("acme", state="/state")))
    restored = serialization.from_dict(json.loads(stored))
    assert {"pull", "plan", "match", "gate", "send", "commit"} <= set(restored.task_dict)
    assert type(restored.timetable).__name__ == "CronDataIntervalTimetable"
