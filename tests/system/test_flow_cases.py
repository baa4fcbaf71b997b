"""Slices that are out of the ordinary: no match, late files, merged by time, several hooks for one event."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from deployment import Event, lines
from sample_exports import SampleDeployment, arrivals, by_hook, dead_letters

from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.netmera.partition_key import partition_of


def hook(name: str, **fields: Any) -> dict[str, Any]:
    event = {} if "event_name" in fields else {"event_code": "n:ph"}
    return {"name": name, "trigger_type": "EVENT", "stream_name": "netmera-purchases", **event, **fields}


def purchase(number: int, user: str = "ayse", **fields: Any) -> Event:
    return {"id": f"e{number}", "eventCode": "n:ph", "timestamp": 1_788_000_000_000 + number, "userId": user, **fields}


def put(deployment: SampleDeployment, name: str, events: Sequence[Event]) -> None:
    deployment.exports.write(name, lines(events))


def ids(deployment: SampleDeployment, user: str = "ayse") -> list[str]:
    return [each.payload["eventId"] for each in arrivals(deployment.kinesis) if each.key == user]


def test_a_slice_without_a_match_is_committed_with_a_warning_of_the_commonest_codes(
    deployment: SampleDeployment, caplog: pytest.LogCaptureFixture
) -> None:
    codes = ["n:vp", "n:vp", "n:cv", "Screen View"]
    put(deployment, "a.ndjson", [purchase(number, eventCode=code) for number, code in enumerate(codes)])
    with caplog.at_level(logging.WARNING):
        counts = deployment.counted(hooks=parse_definitions([hook("purchases")], "hooks"), partitions=2)
    assert (counts["events"], counts["firings"], counts["delivered"]) == (4, 0, 0)
    assert "4 events matched no hook; the commonest codes: n:vp (2), n:cv (1), Screen View (1)" in caplog.text
    assert deployment.run() is None


def test_a_folder_of_empty_files_is_read_and_committed(deployment: SampleDeployment) -> None:
    put(deployment, "a.ndjson", [])
    counts = deployment.counted()
    assert (counts["files"], counts["read"], counts["delivered"]) == (1, 0, 0)
    assert deployment.run() is None


def test_a_late_file_with_an_older_name_is_new_and_the_others_are_not_sent_again(deployment: SampleDeployment) -> None:
    put(deployment, "app_20260907.ndjson", [purchase(7)])
    deployment.counted()
    put(deployment, "app_20260905.ndjson", [purchase(5)])
    counts = deployment.counted()
    assert (counts["files"], counts["files_again"], counts["delivered"]) == (1, 0, 1)
    assert ids(deployment) == ["e7", "e5"]


def test_files_are_sent_by_the_date_in_their_name_and_lines_as_they_stand(deployment: SampleDeployment) -> None:
    put(deployment, "z_20260905.ndjson", [purchase(9), purchase(2)])
    put(deployment, "a_20260906.ndjson", [purchase(1)])
    deployment.counted(partitions=3)
    assert ids(deployment) == ["e9", "e2", "e1"]


def test_files_can_be_merged_by_the_time_of_their_events(deployment: SampleDeployment) -> None:
    put(deployment, "logins.ndjson", [purchase(number, eventCode="n:cl") for number in (1, 4, 6)])
    put(deployment, "screens.ndjson", [purchase(number, eventCode="n:sv") for number in (2, 3, 5, 7)])
    counts = deployment.counted(order="timestamp", partitions=2)
    assert counts["delivered"] == 7
    assert ids(deployment) == [f"e{number}" for number in range(1, 8)]


def test_one_event_fires_each_hook_that_wants_it_once_and_keeps_its_id(deployment: SampleDeployment) -> None:
    hooks = parse_definitions(
        [hook("purchases"), hook("audit"), hook("elsewhere", stream_name="netmera-activity"),
         hook("by-name", event_name="Purchase"), hook("off", active=False)],
        "hooks",
    )  # fmt: skip
    put(deployment, "a.ndjson", [purchase(1, eventName="Purchase"), purchase(2, user="bora")])
    counts = deployment.counted(hooks=hooks)
    assert (counts["events"], counts["firings"]) == (2, 7)
    found = arrivals(deployment.kinesis)
    assert by_hook(found) == {"purchases": 2, "audit": 2, "elsewhere": 2, "by-name": 1}
    assert {each.stream for each in found if each.payload["hookName"] == "elsewhere"} == {"netmera-activity"}
    assert {(each.payload["userId"], each.payload["eventId"]) for each in found} == {("ayse", "e1"), ("bora", "e2")}


def test_a_hook_may_fall_back_to_another_id_and_what_has_none_is_set_aside(deployment: SampleDeployment) -> None:
    hooks = parse_definitions([hook("purchases", partition_key=["userId", "extId", "installationId"])], "hooks")
    without_user = [
        {"id": "e2", "extId": "CRM-2"}, {"id": "e3", "installationId": "phone-3"}, {"id": "e4", "email": "a@b"},
    ]  # fmt: skip
    others = [{"eventCode": "n:ph", "timestamp": 1_788_000_000_000, **ids} for ids in without_user]
    put(deployment, "a.ndjson", [purchase(1), *others])
    counts = deployment.counted(hooks=hooks)
    assert (counts["firings"], counts["delivered"], counts["dead_letters"]) == (4, 3, 1)
    assert {each.key for each in arrivals(deployment.kinesis)} == {"ayse", "CRM-2", "phone-3"}
    assert [(letter["line"], letter["message"]) for letter in dead_letters(deployment.state)] == [
        (4, "the event has no userId and no extId and no installationId")
    ]


def test_each_partition_sends_its_own_users_and_one_without_records_succeeds(deployment: SampleDeployment) -> None:
    users = [f"user-{number}" for number in range(30) if partition_of(f"user-{number}", 3) != 1]
    put(deployment, "a.ndjson", [purchase(number, user) for number, user in enumerate(users * 3)])
    current = deployment.planned(partitions=3)
    deployment.match(current)
    deployment.gate(current)
    for partition in (2, 0, 1):
        (counts,) = deployment.send(current, [partition])
        mine = [user for user in users if partition_of(user, 3) == partition]
        assert counts == {"staged": 3 * len(mine), "delivered": 3 * len(mine), "dead_letters": 0, "unknown": 0}
    assert deployment.commit(current)["delivered"] == 3 * len(users)
    for user in users:
        assert ids(deployment, user) == sorted(ids(deployment, user), key=lambda name: int(name[1:]))


def test_the_same_events_in_several_files_are_all_sent_with_ids_that_tell_they_are_the_same(
    deployment: SampleDeployment,
) -> None:
    rows = [{key: value for key, value in purchase(1).items() if key != "id"}] * 2
    put(deployment, "a.ndjson", rows)
    deployment.counted()
    put(deployment, "b.ndjson", rows)
    deployment.counted()
    first, second, *again = ids(deployment)
    assert first != second
    assert again == [first, second]
