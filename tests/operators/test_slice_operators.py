"""What a form, a template or a deployment may hand to the tasks around match and send."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AirflowSkipException
from deployment import HOOKS, STREAMS, Deployment, Refusing, events
from operator_tasks import Tasks

from airflow_netmera_kinesis.errors import StreamRefused
from airflow_netmera_kinesis.location import open_folder
from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator, PlanSliceOperator
from airflow_netmera_kinesis.operators.workplace import slice_of
from airflow_netmera_kinesis.state.slice import state_key
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

pytestmark = pytest.mark.fake_kinesis(STREAMS)


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "local":
        return str(tmp_path)
    request.getfixturevalue("s3")
    monkeypatch.setenv("AIRFLOW_CONN_OPERATORS_TEST", request.getfixturevalue("aws_connection"))
    return f"s3://operators_test@exports-and-state/{uuid.uuid4().hex}"


@pytest.fixture
def tasks(root: str, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    return Tasks(root)


def set_active(kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch, *, active: bool) -> None:
    connection = json.loads(kinesis.airflow_connection())
    connection["extra"]["active"] = active
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(connection))


def test_a_connector_switched_off_in_the_middle_of_a_slice_skips_every_task_and_the_rest_waits(
    tasks: Tasks, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = tasks.plan()
    tasks.do(HookMatcherOperator, group=groups[0])
    (partition,) = tasks.do(GateSliceOperator, slice=groups)
    fake_kinesis.faults = Refusing(accepted=[2])
    with pytest.raises(StreamRefused):
        tasks.do(KinesisHookSenderOperator, partition=partition)
    fake_kinesis.faults = Faults()
    already = sum(fake_kinesis.books.counts(stream).stored for stream in STREAMS)
    requests = [fake_kinesis.books.counts(stream).requests for stream in STREAMS]
    assert already > 0
    set_active(fake_kinesis, monkeypatch, active=False)
    for operator, arguments in (
        (PlanSliceOperator, {}),
        (HookMatcherOperator, {"group": groups[0]}),
        (GateSliceOperator, {"slice": groups}),
        (KinesisHookSenderOperator, {"partition": partition}),
        (CommitSliceOperator, {"slice": groups}),
    ):
        with pytest.raises(AirflowSkipException, match="inactive"):
            tasks.do(operator, **arguments)
    assert [fake_kinesis.books.counts(stream).requests for stream in STREAMS] == requests
    set_active(fake_kinesis, monkeypatch, active=True)
    assert tasks.plan() == groups
    assert tasks.do(KinesisHookSenderOperator, partition=partition)["delivered"] == 20
    assert tasks.do(CommitSliceOperator, slice=groups)["delivered"] == 20
    consumer = Deployment(lambda name: open_folder(tasks.places["exports"]), fake_kinesis)
    consumer.sent = {"app_20260906.ndjson": events("06", 30)}
    consumer.assert_all_arrived()


def test_a_backfill_fails_for_good_and_names_what_to_use_instead(tasks: Tasks) -> None:
    with pytest.raises(AirflowFailException, match=r"run monday is a backfill, .* trigger the DAG netmera_resend"):
        tasks.plan(run_type="backfill")
    assert list(open_folder(tasks.places["state"]).list()) == []


@pytest.mark.parametrize("setting", ["exports", "hooks", "staging", "state"])
@pytest.mark.parametrize("unset", [None, "", "None"])
def test_what_is_set_nowhere_is_named_with_its_environment_variable(tasks: Tasks, setting: str, unset: object) -> None:
    with pytest.raises(
        AirflowFailException, match=rf"{setting} is not set: .* AIRFLOW__NETMERA_KINESIS__{setting.upper()}\)"
    ):
        tasks.plan(**{setting: unset})


def test_arguments_may_come_as_the_text_that_a_form_or_a_template_makes_of_them(tasks: Tasks) -> None:
    (group,) = tasks.plan(
        partitions="3",
        max_files="10",
        min_age="0 s",
        start_after="2026-09-01",
        order="file",
        receipts="False",
        abandon_slice="None",
        export_format="None",
    )
    tasks.do(HookMatcherOperator, group=group)
    partitions = tasks.do(GateSliceOperator, slice=[group], max_malformed=100, max_dead_letters="5%")
    assert [each["partition"] for each in partitions] == [0, 1, 2]


def test_definitions_and_format_may_be_given_themselves_or_by_their_files(tasks: Tasks, root: str) -> None:
    by_file = tasks.plan()
    listed = [
        {"name": hook.name, "trigger_type": "EVENT", "event_code": hook.event_code, "stream_name": hook.stream}
        for hook in HOOKS
    ]
    assert tasks.plan(hooks=listed) == tasks.plan(hooks={"hooks": listed}) == by_file
    open_folder(root).write("format.json", b'{"time_zone": "UTC"}')
    another = tasks.plan(export_format=f"{root}/format.json")
    assert another != by_file
    assert tasks.plan(export_format={"time_zone": "UTC"}) == tasks.plan(export_format='{"time_zone": "UTC"}') == another


def test_a_path_to_a_yaml_file_is_an_argument_not_a_template_to_be_read(tasks: Tasks) -> None:
    with DAG("acme", schedule=None, template_searchpath="/"):
        task = PlanSliceOperator(task_id="plan", hooks=tasks.hooks, **tasks.places)
    task.resolve_template_files()
    assert task.hooks == tasks.hooks
    assert not task.template_ext


def test_a_slice_is_given_up_by_its_id(tasks: Tasks) -> None:
    (group,) = tasks.plan()
    (another,) = tasks.plan(abandon_slice=group["slice"])
    assert another["slice"] != group["slice"]
    with pytest.raises(AirflowFailException, match=f"abandon_slice is 'x', but the open slice is {another['slice']}"):
        tasks.plan(abandon_slice="x")


def test_each_dag_and_each_place_of_exports_has_a_state_of_its_own(tasks: Tasks) -> None:
    tasks.plan()
    tasks.do(PlanSliceOperator, hooks=tasks.hooks, min_age=0, exports=f"{tasks.places['exports']}/*.ndjson")
    keys = {info.name.split("/")[0] for info in open_folder(tasks.places["state"]).list()}
    assert keys == {
        state_key("acme", tasks.places["exports"]),
        state_key("acme", f"{tasks.places['exports']}/*.ndjson"),
    }


def test_the_state_folder_must_not_be_what_is_read_as_exports(tasks: Tasks) -> None:
    for setting in ("state", "staging"):
        inside = f"{tasks.places['exports']}/{setting}"
        with pytest.raises(AirflowFailException, match=f"^{setting} is '{inside}', which lies inside exports"):
            tasks.plan(**{setting: inside})


@pytest.mark.parametrize("setting", ["staging", "state"])
def test_a_place_that_cannot_be_written_fails_plan_by_its_name_without_a_retry(
    tasks: Tasks, setting: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    given = f"{tmp_path}/file/{setting}"
    with pytest.raises(AirflowFailException) as failed:
        tasks.plan(**{setting: given})
    assert str(failed.value) == f"{setting} is '{given}': it cannot be written (Not a directory)"


@pytest.mark.parametrize(
    ("setting", "given"), [("max_malformed", "lots"), ("max_dead_letters", "200%"), ("on_bad_file", "x")]
)
def test_a_limit_that_cannot_be_read_fails_plan_before_anything_is_matched(
    tasks: Tasks, setting: str, given: str
) -> None:
    with pytest.raises(AirflowFailException, match=f"^{setting} is '{given}'; allowed: "):
        tasks.plan(**{setting: given})
    assert list(open_folder(tasks.places["state"]).list()) == []


def test_a_stream_in_another_region_than_the_connections_fails_plan(tasks: Tasks) -> None:
    hook = {
        "name": "purchases",
        "trigger_type": "EVENT",
        "event_code": "n:ph",
        "stream_arn": "arn:aws:kinesis:eu-west-1:123456789012:stream/netmera-purchases",
    }
    told = "^hook 'purchases': its stream_arn is in region eu-west-1, the connection in eu-central-1; allowed: "
    with pytest.raises(AirflowFailException, match=told):
        tasks.plan(hooks=[hook])
    arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/netmera-carts"
    home, inactive = {**hook, "stream_arn": arn}, {**hook, "name": "retired", "active": False}
    assert tasks.plan(hooks=[home, inactive])


@pytest.mark.parametrize(
    "reference", ["s", {"slice": "s", "group": 0}, [{"slice": "s", "group": 0}, {"slice": "s", "group": 1}]]
)
def test_a_slice_may_be_named_by_its_id_or_by_what_plan_returned(reference: object) -> None:
    assert slice_of(reference) == "s"


@pytest.mark.parametrize("reference", [None, [], {}, {"group": 0}, 7])
def test_anything_else_names_no_slice(reference: object) -> None:
    from airflow_netmera_kinesis.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match=r"slice is .*; allowed: what PlanSliceOperator returns"):
        slice_of(reference)
