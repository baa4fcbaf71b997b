"""Exports are sent again when somebody asks for it, beside the DAG that sends what is new."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from deployment import STREAMS, Deployment, events, half_sent, lines
from mortal import Killed, Life, MortalFolder

from airflow_netmera_kinesis.again_request import ResendRequest, period_of
from airflow_netmera_kinesis.errors import ConfigurationError, SliceCommitted, SliceRefused
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.netmera.hashing import NO_KEYS
from airflow_netmera_kinesis.stages.firing import sure_limit
from airflow_netmera_kinesis.stages.resend import plan_resend, show_resend
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

ISTANBUL = ZoneInfo("Europe/Istanbul")
DAYS = {f"app_2026090{day}.ndjson": events(f"0{day}", 24) for day in (5, 6, 7)}
SENT_A_DAY = 16  # nobody wants the third of three codes
FIRST_TWO = period_of("2026-09-05", "2026-09-06", ISTANBUL)


class Resend(Deployment):
    """The same exports and streams as the DAG that sends what is new, with a state of its own."""

    def __init__(self, storage: Callable[[str], Folder], kinesis: FakeKinesis) -> None:
        super().__init__(storage, kinesis)
        self.live, self.state = self.state, storage("resend-state")

    def asked(self, run: str = "run-1", **asked: Any) -> ResendRequest:
        terms = self.request(**asked.pop("terms", {})).terms
        return ResendRequest(
            **{"key": "key", "exports": "/exports", "terms": terms, "min_age_ms": 0, "run": run, **asked}
        )

    def plan_again(self, run: str = "run-1", **asked: Any) -> Slice:
        place, request = ExportPlace(self.exports), self.asked(run, **{"period": FIRST_TWO, **asked})
        return plan_resend(self.state, self.staging, place, request, self.live, self.who, self.log)

    def show(self, **asked: Any) -> dict[str, Any]:
        place, request = ExportPlace(self.exports), self.asked(**asked)
        return show_resend(place, request, self.live, sure_limit, NO_KEYS, self.log)

    def send_again(self, run: str = "run-1", **asked: Any) -> Any:
        current = self.plan_again(run, **asked)
        self.match(current)
        self.gate(current)
        self.send(current)
        return self.commit(current)


@pytest.fixture
def sent(tmp_path: Path, fake_kinesis: FakeKinesis) -> Resend:
    """Three days that were sent."""
    return sent_in(lambda name: LocalFolder(tmp_path / name), fake_kinesis)


def sent_in(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> Resend:
    live = Deployment(storage, fake_kinesis)
    for name, made in DAYS.items():
        live.export(name, made)
    assert live.run() is not None
    resend = Resend(storage, fake_kinesis)
    resend.sent = dict(DAYS)
    return resend


def content(folder: Folder) -> dict[str, bytes]:
    return {info.name: folder.read(info.name) for info in folder.list()}


@pytest.mark.fake_kinesis(STREAMS)
def test_what_was_asked_for_arrives_once_more_with_the_same_ids_and_in_order(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    sent = sent_in(storage, fake_kinesis)
    before = content(sent.live)
    counts = sent.send_again()
    assert (counts["files"], counts["files_again"], counts["delivered"]) == (2, 2, 2 * SENT_A_DAY)
    sent.assert_all_arrived(duplicates=2 * SENT_A_DAY)
    assert sent.arrived == 5 * SENT_A_DAY
    assert content(sent.live) == before, "the checkpoint of the DAG that sends what is new stays as it is"


@pytest.mark.fake_kinesis(STREAMS)
def test_a_dry_run_counts_files_events_and_matches_and_writes_nothing(sent: Resend) -> None:
    before, requests = content(sent.live), sent.kinesis.books.counts("netmera-purchases").requests
    shown = sent.show(period=FIRST_TWO)
    hook = {"matches": 16, "records": 16, "dead_letters": {}}
    assert shown == {
        "files": 2, "damaged": 0, "bytes": shown["bytes"], "read": 48, "malformed": 0, "events": 48, "matches": 32,
        "hooks": {"purchases": hook, "logins": hook}, "sent_before": 2, "newer_files_sent": 1,
    }  # fmt: skip
    assert content(sent.live) == before
    assert list(sent.state.list()) == list(sent.staging.list()) == []
    assert sent.kinesis.books.counts("netmera-purchases").requests == requests


@pytest.mark.fake_kinesis(STREAMS)
def test_the_same_asked_again_is_sent_again_but_a_run_that_is_done_and_cleared_sends_nothing(sent: Resend) -> None:
    sent.send_again("run-1")
    for _ in range(2):
        with pytest.raises(SliceCommitted, match="which this run asked for, is sent"):
            sent.plan_again("run-1")
    sent.send_again("run-2")
    with pytest.raises(SliceCommitted):
        sent.plan_again("run-1")
    assert sent.arrived == 7 * SENT_A_DAY


@pytest.mark.fake_kinesis(STREAMS)
def test_a_run_that_was_cut_short_goes_on_and_repeats_nothing(sent: Resend) -> None:
    current = sent.plan_again()
    sent.match(current)
    sent.gate(current)
    sent.send_some(current)
    by_then = sent.arrived
    assert by_then > 3 * SENT_A_DAY
    with pytest.raises(
        SliceRefused, match=r"sent in part, and this run asks for something else: first clear run run-1"
    ):
        sent.plan_again("run-2", period=period_of("2026-09-07", None, ISTANBUL))
    sent.send_again()
    assert sent.arrived == 5 * SENT_A_DAY


@pytest.mark.fake_kinesis(STREAMS)
def test_who_asks_for_the_same_finishes_what_another_run_has_begun(sent: Resend) -> None:
    current = sent.plan_again("run-1")
    sent.match(current)
    sent.gate(current)
    sent.send_some(current)
    sent.send_again("run-2")
    assert sent.arrived == 5 * SENT_A_DAY
    for run in ("run-1", "run-2"):
        with pytest.raises(SliceCommitted):
            sent.plan_again(run)


@pytest.mark.fake_kinesis(STREAMS)
def test_a_resend_that_was_given_up_is_sent_whole_when_it_is_asked_for_again(sent: Resend) -> None:
    current = sent.plan_again()
    sent.match(current)
    sent.gate(current)
    sent.send_some(current)
    by_then = sent.arrived
    sent.send_again("run-2", abandon_slice=current.id)
    assert sent.arrived == by_then + 2 * SENT_A_DAY
    with pytest.raises(SliceRefused, match="no slice is open"):
        sent.plan_again("run-3", abandon_slice="20260901-unknown")


@pytest.mark.fake_kinesis(STREAMS)
def test_until_something_is_sent_a_resend_gives_way_to_the_next(sent: Resend) -> None:
    first = sent.plan_again("run-1")
    sent.match(first)
    second = sent.plan_again("run-2", period=period_of("2026-09-07", "2026-09-07", ISTANBUL))
    assert [file.name for file in second.files] == ["app_20260907.ndjson"]
    assert sent.plan_again("run-1").id == first.id, "it was never sent, so its run may ask for it anew"


@pytest.mark.fake_kinesis(STREAMS)
def test_it_runs_beside_the_dag_that_sends_what_is_new(sent: Resend, tmp_path: Path) -> None:
    live = Deployment(lambda name: LocalFolder(tmp_path / name), sent.kinesis)
    live.export("app_20260908.ndjson", events("08", 24))
    half_sent(live)
    sent.send_again()
    live.run()
    live.sent = sent.sent | live.sent
    live.assert_all_arrived(duplicates=2 * SENT_A_DAY)


@pytest.mark.fake_kinesis(STREAMS)
def test_more_files_than_a_slice_of_new_ones_takes_are_all_sent_at_once(sent: Resend) -> None:
    assert isinstance(sent.exports, LocalFolder)
    for number in range(501):
        path = sent.exports.path / f"many_20260910_{number:04d}.ndjson"
        path.write_bytes(lines(events(f"10-{number}", 1)))
    assert sent.show(period=period_of("2026-09-10", "2026-09-10", ISTANBUL))["matches"] == 501
    current = sent.plan_again(period=period_of("2026-09-10", "2026-09-10", ISTANBUL))
    assert len(current.files) == 501


@pytest.mark.fake_kinesis(STREAMS)
def test_what_to_send_must_be_said_in_one_way(sent: Resend) -> None:
    with pytest.raises(ConfigurationError, match="give from_date and to_date, or files"):
        sent.show()
    with pytest.raises(ConfigurationError, match="allowed: a period, or names of files"):
        sent.show(period=FIRST_TWO, files=("app_20260907.ndjson",))


@pytest.mark.fake_kinesis(STREAMS)
def test_a_file_that_may_still_be_uploaded_is_left_out(sent: Resend) -> None:
    with pytest.raises(ConfigurationError, match="all 2 files that were asked for are younger than min_age"):
        sent.show(period=FIRST_TWO, min_age_ms=3_600_000)


def test_killed_before_any_step_the_next_try_of_the_run_sends_the_rest(
    storage: Callable[[str], Folder], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)
    every = 29 if "s3" in request.node.name else 5
    number, life = 0, Life(0)
    while life.is_over:
        number += every
        life = Life(dies_before=number)

        def place(name: str, number: int = number) -> Folder:
            return storage(f"{number}/{name}")

        def mortal(name: str, life: Life = life) -> Folder:
            return MortalFolder(place(name), life)

        def later(name: str) -> Folder:
            return MortalFolder(place(name), Life(10**6), ahead_ms=leases.EXPIRY_MS + 5_000)

        with FakeKinesis(STREAMS) as kinesis:
            Resend(place, kinesis).export("app_20260905.ndjson", DAYS["app_20260905.ndjson"])
            with suppress(Killed):
                Resend(mortal, kinesis).send_again()
            again = Resend(later, kinesis)
            again.sent = {"app_20260905.ndjson": DAYS["app_20260905.ndjson"]}
            with suppress(SliceCommitted):
                again.send_again()
            again.assert_all_arrived(duplicates=20)
            with pytest.raises(SliceCommitted):
                again.plan_again()
    assert life.steps > 20


@pytest.mark.fake_kinesis(STREAMS)
def test_events_without_an_id_of_their_own_get_the_same_ids_again(tmp_path: Path, fake_kinesis: FakeKinesis) -> None:
    made = [{name: value for name, value in event.items() if name != "id"} for event in events("06", 12)]
    live = Deployment(lambda name: LocalFolder(tmp_path / name), fake_kinesis)
    live.exports.write("app_20260906.ndjson", lines([*made, *made]))
    live.run()
    resend = Resend(lambda name: LocalFolder(tmp_path / name), fake_kinesis)
    resend.send_again(period=period_of("2026-09-06", "2026-09-06", ISTANBUL))
    assert [(verdict.arrived, verdict.duplicates) for verdict in resend.verdicts()] == [(16, 8), (16, 8)]
