"""Dead letters are sent again by the present definitions, none of them twice, whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deployment import HOOKS, STREAMS, events
from replaying import LiveRuns, Replays

from airflow_netmera_kinesis.errors import SliceCommitted, SliceRefused
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.stages.found_letters import Status
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)
WITH_EXT_ID = tuple(msgspec.structs.replace(hook, partition_key=("userId", "extId")) for hook in HOOKS)


def event(number: int, **changes: Any) -> dict[str, Any]:
    made = {**events("06", 1, start=number * 3)[0], "id": f"e{number}", **changes}
    return {name: value for name, value in made.items() if value is not None}


def nobody(number: int) -> dict[str, Any]:
    return event(number, userId=None, identities={"extId": f"CRM-{number}"})


@pytest.fixture
def local(tmp_path: Path) -> Callable[[str], Folder]:
    return lambda name: LocalFolder(tmp_path / name)


def sent(storage: Callable[[str], Folder], kinesis: FakeKinesis) -> Replays:
    """Two events that arrived, one before and one after two events without a user id and a line that is none."""
    live = LiveRuns(storage, kinesis)
    live.put("app_20260906.ndjson", event(1), nobody(2), b"broken", nobody(3), event(4))
    assert live.run() is not None
    return Replays(storage, kinesis)


def ids(replays: Replays) -> list[str]:
    return sorted(payload["eventId"] for payload in replays.payloads())


def test_letters_are_delivered_by_the_present_definitions_with_their_event_ids(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays = sent(storage, fake_kinesis)
    places = [(2, "purchases"), (3, None), (4, "purchases")]
    assert replays.open_letters() == [("app_20260906.ndjson", *place) for place in places]
    counts = replays.replay(hooks_now=WITH_EXT_ID)
    assert counts is not None
    told = {name: counts[name] for name in counts if name.startswith("letters")}
    assert told == {"letters": 3, "letters_delivered": 2, "letters_set_aside_again": 1, "letters_unmatched": 0}
    assert ids(replays) == ["e1", "e2", "e3", "e4"]
    assert replays.open_letters() == [("app_20260906.ndjson", 3, None)], "what is still broken is one open letter"
    statuses = [found.status for found in replays.letters()]
    assert sorted(statuses) == sorted([Status.DELIVERED, Status.REPLACED, Status.DELIVERED, Status.OPEN])
    assert list(replays.staging.list()) == []


def test_what_was_replayed_is_not_replayed_again_unless_asked_for(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays = sent(local, fake_kinesis)
    replays.replay(hooks_now=WITH_EXT_ID, reasons=("MISSING_USER_ID",))
    assert replays.plan_again(hooks_now=WITH_EXT_ID, reasons=("MISSING_USER_ID",)) is None
    assert replays.show(hooks_now=WITH_EXT_ID, reasons=("MISSING_USER_ID",)).chosen.left == {"delivered by a replay": 2}
    assert ids(replays) == ["e1", "e2", "e3", "e4"]
    replays.replay(hooks_now=WITH_EXT_ID, reasons=("MISSING_USER_ID",), again=True)
    assert ids(replays) == ["e1", "e2", "e2", "e3", "e3", "e4"]


def test_a_letter_that_fails_again_is_one_open_letter_however_often(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays = sent(local, fake_kinesis)
    before = replays.open_letters()
    for _ in range(3):
        replays.replay()
        assert replays.open_letters() == before
    replays.replay(hooks_now=WITH_EXT_ID)
    assert replays.open_letters() == [("app_20260906.ndjson", 3, None)]
    assert ids(replays) == ["e1", "e2", "e3", "e4"]


def test_a_dry_run_counts_and_changes_nothing(local: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> None:
    replays = sent(local, fake_kinesis)
    before = {info.name: replays.root.read(info.name) for info in replays.root.list()}
    summary = replays.show(hooks_now=WITH_EXT_ID).summary()
    assert summary == {
        "letters": 3, "perhaps_stored": 0, "left": {}, "still_malformed": 1, "matches": 2, "users": 2,
        "hooks": {
            "purchases": {"matches": 2, "records": 2, "dead_letters": {}},
            "logins": {"matches": 0, "records": 0, "dead_letters": {}},
        },
    }  # fmt: skip
    assert {info.name: replays.root.read(info.name) for info in replays.root.list()} == before
    assert ids(replays) == ["e1", "e4"]


def test_letters_are_narrowed_by_reason_hook_file_and_slice(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays = sent(local, fake_kinesis)
    (slice_id,) = {found.at.slice for found in replays.letters()}

    def chosen(**asked: Any) -> int:
        return replays.show(**asked).chosen.letters

    assert [chosen(reasons=("MALFORMED",)), chosen(reasons=("MALFORMED", "MISSING_USER_ID"))] == [1, 3]
    assert [chosen(hooks=("purchases",)), chosen(hooks=("logins",))] == [2, 0]
    assert [chosen(files=("app_*",)), chosen(files=("other",))] == [3, 0]
    assert [chosen(slices=(slice_id,)), chosen(slices=("other",))] == [3, 0]


def test_a_letter_whose_hook_is_gone_asleep_or_wants_it_no_more_stays_open(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays = sent(local, fake_kinesis)
    purchases, logins = WITH_EXT_ID
    gone = replays.show(hooks_now=(logins,)).chosen.left
    assert gone == {"hook purchases is not among the definitions": 2}
    asleep = replays.show(hooks_now=(msgspec.structs.replace(purchases, active=False), logins)).chosen.left
    assert asleep == {"hook purchases is inactive": 2}
    counts = replays.replay(hooks_now=(msgspec.structs.replace(purchases, event_code="n:other"), logins))
    assert counts is not None
    assert counts["letters_unmatched"] == 2
    assert len(replays.open_letters()) == 3


def test_a_line_that_can_be_read_now_fires_every_hook_that_wants_it_once(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    live = LiveRuns(local, fake_kinesis)
    same = {name: value for name, value in event(2, timestamp="07.09.2026 10:00").items() if name != "id"}
    live.put("app_20260906.ndjson", event(1), same, same, event(3, eventCode="n:vp", timestamp="07.09.2026 10:00"))
    live.run()
    replays = Replays(local, fake_kinesis)
    mended = ExportFormat(time_format="%d.%m.%Y %H:%M")
    two_hooks = (*HOOKS, msgspec.structs.replace(HOOKS[0], name="also"))
    replays.replay(export_format=mended, hooks_now=two_hooks)
    made = [payload for payload in replays.payloads() if payload["eventId"] != "e1"]
    assert sorted(payload["hookName"] for payload in made) == ["also", "also", "purchases", "purchases"]
    plain, numbered = sorted({payload["eventId"] for payload in made})
    assert numbered == f"{plain}-1", "two equal lines are two events"
    assert replays.open_letters() == []
    assert [found.status for found in replays.letters()].count(Status.UNMATCHED) == 1


def test_rows_of_csv_are_taken_apart_again_by_the_present_format(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    live = LiveRuns(local, fake_kinesis)
    rows = (
        "Event Code;User ID;Date;city",
        "n:ph;ayse;2026-09-06 10:00;x",
        "n:ph;bora;06.09.2026;y",
        "n:ph;cem;06.09.2026",
    )
    live.put(
        "app_20260906.csv",
        *(row.encode() for row in rows),
        "n:ph;çağla;06.09.2026;z".encode("cp1254"),
        b'n:ph;"d"x;06.09.2026;w',
    )
    read_as = ExportFormat(delimiter=";", encoding="utf-8")
    live.run(export_format=read_as)
    replays = Replays(local, fake_kinesis)
    assert len(replays.open_letters()) == 4
    replays.replay(export_format=ExportFormat(delimiter=";", encoding="cp1254", time_format="%d.%m.%Y"))
    assert sorted(payload["userId"] for payload in replays.payloads()) == ["ayse", "bora", "çağla"]
    assert [place[1] for place in replays.open_letters()] == [4, 6], "a row with fewer cells, and one that is no CSV"


def test_a_run_that_is_done_and_cleared_replays_nothing(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays = sent(local, fake_kinesis)
    replays.replay("run-1", hooks_now=WITH_EXT_ID)
    with pytest.raises(SliceCommitted):
        replays.plan_again("run-1", hooks_now=WITH_EXT_ID)
    assert ids(replays) == ["e1", "e2", "e3", "e4"]


def test_letters_of_another_dag_are_left_alone(local: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> None:
    sent(local, fake_kinesis)
    other = LiveRuns(local, fake_kinesis, dag="bank")
    other.put("app_20260906.ndjson", nobody(9))
    other.run()
    assert Replays(local, fake_kinesis, dag="bank").show(hooks_now=WITH_EXT_ID).chosen.letters == 1


def test_letters_of_an_open_slice_and_of_one_that_was_given_up_are_not_replayed(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    live = LiveRuns(local, fake_kinesis)
    live.put("app_20260906.ndjson", *(event(number) for number in range(40)), nobody(41))
    current = live.planned()
    live.match(current)
    replays = Replays(local, fake_kinesis)
    assert replays.show().chosen.left == {"its slice is still open": 1}
    live.gate(current)
    live.send_some(current)
    live.run(abandon_slice=current.id)
    assert replays.show().chosen.left == {"its slice was given up": 1}
    assert replays.show().chosen.letters == 1, "the slice after it has set the event aside again"


def half_replayed(local: Callable[[str], Folder], kinesis: FakeKinesis) -> tuple[Replays, str]:
    live = LiveRuns(local, kinesis)
    live.put("app_20260906.ndjson", *(nobody(number) for number in range(40)))
    live.run()
    replays = Replays(local, kinesis)
    current = replays.plan_again("run-1", hooks_now=WITH_EXT_ID)
    assert current is not None
    replays.match(current)
    replays.gate(current)
    replays.send_some(current, requests=2)
    assert 0 < len(ids(replays)) < 40
    return replays, current.id


def test_a_replay_that_was_cut_short_is_finished_by_whoever_comes_next(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays, _ = half_replayed(local, fake_kinesis)
    replays.replay(hooks_now=HOOKS, reasons=("MALFORMED",))
    assert len(ids(replays)) == len(set(ids(replays))) == 40
    assert replays.open_letters() == []


def test_what_a_replay_had_delivered_when_it_was_given_up_is_not_sent_again(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    replays, slice_id = half_replayed(local, fake_kinesis)
    with pytest.raises(SliceRefused, match=f"the open slice is {slice_id}"):
        replays.plan_again("run-2", abandon_slice="20260906-other")
    replays.replay("run-2", hooks_now=WITH_EXT_ID, abandon_slice=slice_id)
    assert len(ids(replays)) == len(set(ids(replays))) == 40
    assert replays.open_letters() == []
