"""A slice that is given up: what it has sent is not sent again, and everything else is."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from deployment import HOOKS, STREAMS, Deployment, events, half_sent, lines

from airflow_netmera_kinesis.errors import SliceRefused
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)


@pytest.fixture
def deployment(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> Deployment:
    return Deployment(storage, fake_kinesis)


def test_only_what_was_not_delivered_is_sent_by_the_next_slice(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    already = deployment.arrived
    with caplog.at_level(logging.INFO, "deployment"):
        counts = deployment.run(abandon_slice=given_up.id, partitions=3)
    assert f"abandoned slice {given_up.id}: {already} of its firings were already sent" in caplog.text
    assert f"delivered by an abandoned slice, and not sent again: firings {already}" in caplog.text
    assert counts is not None
    assert (counts["delivered"], counts["delivered_before"]) == (60 - already, already)
    deployment.assert_all_arrived()
    deployment.assert_tidy()


def test_new_files_and_other_terms_come_in_and_the_checkpoint_does_not_move(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    deployment.export("app_20260905.ndjson", events("05", 30))
    more = parse_definitions(
        [
            {"name": "views", "trigger_type": "EVENT", "event_code": "n:vp", "stream_name": "netmera-activity"},
            {"name": "logins", "trigger_type": "EVENT", "event_code": "n:cl", "stream_name": "netmera-activity"},
            {"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "netmera-purchases"},
        ],
        "hooks",
    )
    fresh = deployment.planned(abandon_slice=given_up.id, hooks=more)
    assert load_checkpoint(deployment.state).generation == 0
    assert [file.name for file in fresh.files] == ["app_20260905.ndjson", "app_20260906.ndjson"]
    already = deployment.arrived
    counts = deployment.run(hooks=more)
    assert counts is not None
    assert (counts["firings"], counts["delivered_before"]) == (120, already)
    assert deployment.arrived == 120


def test_asked_for_again_as_by_a_retry_or_a_clear_it_does_nothing_more(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    fresh = deployment.planned(abandon_slice=given_up.id)
    assert fresh.id != given_up.id
    assert deployment.planned(abandon_slice=given_up.id).id == fresh.id
    deployment.match(fresh)
    deployment.gate(fresh)
    deployment.send_some(fresh, requests=2)
    assert deployment.planned(abandon_slice=given_up.id).id == fresh.id
    deployment.run(abandon_slice=given_up.id)
    assert deployment.run(abandon_slice=given_up.id) is None
    deployment.assert_all_arrived()


def test_given_up_twice_what_both_have_sent_is_not_sent_again(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    first = half_sent(deployment, requests=2)
    second = half_sent(deployment, requests=2, abandon_slice=first.id)
    already = deployment.arrived
    counts = deployment.run(abandon_slice=second.id)
    assert counts is not None
    assert counts["delivered_before"] == already
    deployment.assert_all_arrived()
    deployment.assert_tidy()


def test_what_it_has_sent_waits_for_the_slice_that_takes_the_file(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    already = deployment.arrived
    deployment.export("app_20260905.ndjson", events("05", 30))
    assert deployment.run(abandon_slice=given_up.id, max_files=1) is not None
    assert deployment.arrived == already + 20
    counts = deployment.run(max_files=1)
    assert counts is not None
    assert counts["delivered_before"] == already
    # The late file with the older name came between, so across the two files there is no order to keep.
    assert [(verdict.lost, verdict.strange, verdict.duplicates) for verdict in deployment.verdicts()] == [
        ((), (), 0)
    ] * 2


def test_of_a_file_that_grew_what_was_sent_is_still_known(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    deployment.export("app_20260906.ndjson", events("06", 120))
    assert deployment.run(abandon_slice=given_up.id) is not None
    deployment.assert_all_arrived()


def test_a_file_that_was_replaced_is_sent_as_a_whole_and_the_log_says_so(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    already = deployment.arrived
    deployment.exports.write("app_20260906.ndjson", lines([*events("06", 90), *events("07", 3)][1:]))
    with caplog.at_level(logging.INFO, "deployment"):
        counts = deployment.run(abandon_slice=given_up.id)
    assert counts is not None
    assert counts["delivered_before"] == 0
    assert "changed since an abandoned slice, and sent anew: files 1 (app_20260906.ndjson)" in caplog.text
    assert deployment.arrived == already + 61


def test_a_hook_that_feeds_another_stream_now_sends_all_of_it_there(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment, requests=4)
    moved = parse_definitions(
        [
            {"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "netmera-activity"},
        ],
        "hooks",
    )
    counts = deployment.run(abandon_slice=given_up.id, hooks=moved)
    assert counts is not None
    assert (counts["delivered"], counts["delivered_before"]) == (30, 0)


@pytest.mark.parametrize("kept", [False, True])
def test_what_a_paused_task_leaves_of_it_later_goes_with_the_next_commit_unless_receipts_are_kept(
    deployment: Deployment, *, kept: bool
) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    given_up = half_sent(deployment)
    deployment.planned(abandon_slice=given_up.id, receipts=kept)
    for late in ("ledgers/{}/netmera-purchases/0000.000099.log", "slices/{}.gate.json", "leases/{}/send-0000.0000099"):
        deployment.state.write(late.format(given_up.id), b"late")
    deployment.state.write(f"receipts/{given_up.id}/netmera-purchases/0000.000099.log", b"late")
    deployment.staging.write(f"{given_up.id}/result-00000.json", b"late")
    deployment.staging.write("another-dag/part", b"stays")
    deployment.run()
    left = {info.name for info in deployment.state.list() if given_up.id in info.name}
    assert {name.split("/")[0] for name in left} == ({"receipts"} if kept else set())
    assert [info.name for info in deployment.staging.list()] == ["another-dag/part"]
    deployment.assert_all_arrived()


@pytest.mark.parametrize("wanted", ["20260906-nobody", "x"])
def test_a_slice_that_is_not_the_open_one_is_refused_and_the_open_one_is_named(
    deployment: Deployment, wanted: str
) -> None:
    with pytest.raises(SliceRefused, match="but no slice is open"):
        deployment.plan(abandon_slice=wanted)
    deployment.export("app_20260906.ndjson", events("06", 9))
    current = deployment.planned()
    with pytest.raises(SliceRefused, match=f"but the open slice is {current.id}"):
        deployment.plan(abandon_slice=wanted)
    assert len(current.hooks) == len(HOOKS)
