"""What goes wrong in a run is said by the task that finds it, and the next try or run goes on from there."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from airflow_session import Run, Workplace
from deployment import Refusing
from sample_exports import EXPECTED, HOOKS, SAMPLES, STREAMS, arrivals, by_hook, dead_letters

from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.testing import Faults
from demo.export import firings

EVENTS = sorted((SAMPLES / "events").iterdir())
OVERSIZE = SAMPLES / "faulty" / "oversize.ndjson"
PUT_RECORDS_ALONE = Faults(denied=frozenset({"ListStreams", "DescribeStreamSummary", "ListShards"}))
TASKS = ("plan", "preflight", "match", "gate", "send", "commit")
FIRINGS = sum(EXPECTED["hooks"].values())


def states(run: Run) -> dict[str, set[str]]:
    return {task: set(found) for task, found in run.tasks.items()}


def failed_in(task: str) -> dict[str, set[str]]:
    at = TASKS.index(task)
    return {
        **{name: {"success"} for name in TASKS[:at]},
        task: {"failed"},
        **{name: {"upstream_failed"} for name in TASKS[at + 1 :]},
    }


def stored(workplace: Workplace) -> int:
    return sum(workplace.kinesis.books.counts(stream).stored for stream in STREAMS)


def assert_all_arrived_once(
    workplace: Workplace, files: list[Path] = EVENTS, but: frozenset[str] = frozenset()
) -> None:
    """Nothing lost ``but`` these events, nothing twice, each user's events in order."""
    sent = [firing for firing in firings(files, HOOKS) if firing.event_id not in but]
    assert by_hook(arrivals(workplace.kinesis)) == Counter(firing.hook for firing in sent)
    for stream in STREAMS:
        due: dict[str, list[tuple[str, str]]] = {}
        for firing in sent:
            if firing.stream == stream:
                due.setdefault(firing.user, []).append((firing.hook, firing.event_id))
        verdict = workplace.kinesis.books.judge_order(stream, due)
        assert verdict.clean, verdict
        assert verdict.duplicates == 0


def files_below(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_try_that_kinesis_cut_short_is_finished_by_airflows_own_retry(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    workplace.kinesis.faults = Refusing(accepted=[3])
    run = workplace.run("acme_retried")
    assert run.state == "success", run.log
    assert "AccessDenied" in run.log
    assert_all_arrived_once(workplace)


def test_a_connector_that_is_switched_off_in_mid_slice_skips_all_and_is_finished_when_it_is_on_again(
    workplace: Workplace,
) -> None:
    workplace.take(*EVENTS)
    workplace.kinesis.faults = Refusing(accepted=[3])
    assert workplace.run().state == "failed"
    workplace.kinesis.faults = Faults()
    left, requests = files_below(workplace.root), workplace.requests()
    assert 0 < stored(workplace) < FIRINGS

    workplace.connect(active=False, endpoint_url="http://127.0.0.1:9")  # nobody listens there, and nobody asks
    run = workplace.run()
    assert run.state == "success", run.log
    assert states(run) == {task: {"skipped"} for task in TASKS}
    assert "the connector 'netmera_kinesis_default' is inactive: nothing is read or sent" in run.log
    assert (files_below(workplace.root), workplace.requests()) == (left, requests)

    workplace.connect(active=True)
    run = workplace.run()
    assert run.state == "success", run.log
    assert "is sent in part: finishing it as frozen" in run.log
    assert_all_arrived_once(workplace)


def test_a_stream_that_does_not_exist_fails_by_its_name_before_anything_is_sent(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    workplace.kinesis.core.handle("DeleteStream", {"StreamName": "netmera-carts"})
    run = workplace.run()
    assert run.state == "failed"
    assert states(run) == failed_in("preflight")
    assert "stream netmera-carts: exists (for hook carts): " in run.log
    assert "ResourceNotFound" in run.log
    assert load_checkpoint(workplace.state()).slice == ""
    assert arrivals(workplace.kinesis) == []

    workplace.kinesis.core.create_stream("netmera-carts", 2)
    run = workplace.run()
    assert run.state == "success", run.log
    assert_all_arrived_once(workplace)


def test_with_the_right_to_put_records_alone_a_run_does_all_but_what_it_warns_of(workplace: Workplace) -> None:
    arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/netmera-purchases"
    workplace.kinesis.core.handle("UpdateMaxRecordSize", {"StreamARN": arn, "MaxRecordSizeInKiB": 10_240})
    workplace.kinesis.faults = PUT_RECORDS_ALONE
    workplace.take(*EVENTS, OVERSIZE)
    run = workplace.run(partitions=2)
    assert run.state == "success", run.log
    for said in (
        "kinesis:DescribeStreamSummary is not allowed", "kinesis:ListShards is not allowed", ", 8 warnings",
        "not allowed to call DescribeStreamSummary, so the documented defaults apply",
    ):  # fmt: skip
        assert said in run.log
    # The stream would take it, and nobody may ask the stream.
    assert [letter["reason"] for letter in dead_letters(workplace.state())] == ["TOO_LARGE"]
    workplace.kinesis.faults = Faults()  # who reads the streams back has more rights
    too_large = frozenset({json.loads(OVERSIZE.read_bytes().splitlines()[1])["id"]})
    assert_all_arrived_once(workplace, sorted([*EVENTS, OVERSIZE]), too_large)


def test_a_missing_connection_fails_plan_and_says_how_to_make_it(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    workplace.environment.clear()
    run = workplace.run()
    assert states(run) == failed_in("plan")
    assert "connection 'netmera_kinesis_default' does not exist: create it with type netmera_kinesis" in run.log
    assert not (workplace.root / "state").exists()


def test_every_fault_of_the_hook_definitions_is_shown_at_once(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    hooks = workplace.root / "broken.yaml"
    hooks.write_text(
        "hooks:\n"
        "  - {name: purchases, trigger_type: EVENT, stream_name: netmera-purchases}\n"
        "  - {name: clicks, trigger_type: PUSH_CLICK, event_code: n:po, stream_name: netmera-activity}\n"
        "  - {name: carts, trigger_type: EVENT, event_code: n:acp, stream_name: netmera-carts, colour: red}\n"
    )
    run = workplace.run(hooks=str(hooks))
    assert states(run) == failed_in("plan")
    for fault in ("3 fault(s) in the hook definitions", "hook 'purchases': event_code", "PUSH_CLICK", "colour"):
        assert fault in run.log
    assert workplace.requests() == 0


@pytest.mark.parametrize("setting", ["exports", "hooks", "staging", "state"])
def test_a_place_that_is_not_set_fails_plan_by_its_name(workplace: Workplace, setting: str) -> None:
    unset: dict[str, Any] = {setting: None}
    run = workplace.run(**unset)
    assert states(run) == failed_in("plan")
    assert f"AIRFLOW__NETMERA_KINESIS__{setting.upper()}" in run.log


def test_a_file_with_too_many_unreadable_lines_stops_the_run_before_anything_is_sent(workplace: Workplace) -> None:
    workplace.take(*EVENTS, SAMPLES / "faulty" / "mostly_broken.ndjson")
    run = workplace.run()
    assert states(run) == failed_in("gate")
    assert "mostly_broken.ndjson: 150 of 170 lines malformed, more than max_malformed (1%, 100) allows" in run.log
    assert workplace.requests() == 0

    run = workplace.run(max_malformed="90%")
    assert run.state == "success", run.log
    assert stored(workplace) == FIRINGS + 20


def test_a_damaged_file_stops_the_run_until_it_is_set_aside(workplace: Workplace) -> None:
    workplace.take(*EVENTS, SAMPLES / "faulty" / "truncated.ndjson.gz")
    run = workplace.run()
    assert states(run) == failed_in("gate")
    assert "truncated.ndjson.gz: truncated gzip" in run.log
    assert workplace.requests() == 0

    run = workplace.run(on_bad_file="set_aside")
    assert run.state == "success", run.log
    assert "set aside truncated.ndjson.gz: truncated gzip" in run.log
    assert_all_arrived_once(workplace)


def test_a_folder_without_files_skips_all_tasks_and_says_so(workplace: Workplace) -> None:
    run = workplace.run()
    assert states(run) == {task: {"skipped"} for task in TASKS}
    assert f"nothing new in {workplace.exports}: files listed 0;" in run.log


def test_a_slice_without_a_match_is_committed(workplace: Workplace) -> None:
    (workplace.exports / "a.ndjson").write_text(json.dumps({"eventCode": "n:vp", "userId": "ayse"}) + "\n")
    run = workplace.run()
    assert run.state == "success", run.log
    assert "1 events matched no hook; the commonest codes: n:vp (1)" in run.log
    assert workplace.requests() == 0
    assert load_checkpoint(workplace.state()).slice != ""


def test_a_run_may_say_everything_that_a_form_can(workplace: Workplace) -> None:
    workplace.take(SAMPLES / "csv" / "demoapp_EVENT_DATA_semicolon_wide.csv")
    workplace.connect("other_kinesis")
    del workplace.environment["AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT"]
    asked: dict[str, Any] = {
        "export_format": {"delimiter": ";", "columns": {"city": "profile.city"}, "types": {"age": "integer"}},
        "partitions": 3, "order": "timestamp", "max_files": 1, "receipts": True, "max_dead_letters": "0",
        "start_after": "2026-01-01", "min_age": "0 s", "netmera_kinesis_conn_id": "other_kinesis",
    }  # fmt: skip
    run = workplace.run(**asked)
    assert run.state == "success", run.log
    assert len(run.tasks["send"]) == 3
    assert by_hook(arrivals(workplace.kinesis)) == EXPECTED["csv"]["hooks"]
    assert [info.name for info in workplace.state().list("receipts/")]
