"""What one pull after another brings: every new row once, however late, and nothing that was there before."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from netmera_server import FakeNetmera, Reply, error
from pull_site import DAY, HOUR, MINUTE, Site, own, results

from airflow_netmera_kinesis.errors import (
    LeaseTaken,
    QuotaExceeded,
    RestQuotaSpent,
    RestRefused,
    RestUnavailable,
    StateError,
)
from airflow_netmera_kinesis.push_results import collecting
from airflow_netmera_kinesis.push_results.pull_state import load_pull_state
from airflow_netmera_kinesis.stages import pull as pulling
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.state.lease import hold
from airflow_netmera_kinesis.storage import Folder, LocalFolder


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(lambda name: LocalFolder(tmp_path / name), FakeNetmera(page_limit=4))


def pass_time(site: Site, milliseconds: int = MINUTE) -> int:
    site.netmera.now_ms += milliseconds
    return int(site.netmera.now_ms)


def test_new_rows_become_one_export_in_the_order_of_their_times(
    storage: Callable[[str], Folder], caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(storage, FakeNetmera(newest_first=True, page_limit=4))
    rows = results(*range(10), at=site.netmera.now_ms)
    site.netmera.add(*rows)
    with caplog.at_level(logging.INFO):
        site.pull()
    assert (
        "windows 1, pages 3, rows 10 = seen before 0 + new 10 + malformed 0 + repeated 0; files waiting 1"
        in caplog.text
    )
    (info,) = site.place().files()
    assert info.name.startswith("push_results_20260906T2100_00000001_")
    assert [own(line) for line in site.send()] == sorted(rows, key=lambda row: row["timeStamp"])
    assert list(site.pulled.list()) == []
    assert site.run() == []


def test_a_late_result_is_sent_by_the_next_pull_and_what_was_there_before_is_not(site: Site) -> None:
    site.netmera.add(*results(1, 2, 3, at=site.netmera.now_ms))
    site.run()
    now = pass_time(site)
    late = results(0, 100, at=now, status="FAILED")
    site.netmera.add(*late)
    assert sorted(map(str, map(own, site.run()))) == sorted(map(str, late))
    assert site.run() == []


def test_a_result_later_than_the_look_back_is_not_found(site: Site) -> None:
    site.run()
    site.netmera.add(*results(4 * 60, at=pass_time(site)))
    assert site.run() == []


def test_of_equal_rows_only_those_beyond_what_was_seen_are_new(site: Site) -> None:
    (row,) = results(5, at=site.netmera.now_ms)
    site.netmera.add(row, row)
    first = [line["id"] for line in site.run()]
    pass_time(site)
    site.netmera.add(row)
    (third,) = site.run()
    assert first == [first[0], f"{first[0]}-1"]
    assert third["id"] == f"{first[0]}-2"


@pytest.mark.parametrize("newest_first", [False, True])
def test_equal_rows_on_two_pages_are_two_rows(tmp_path: Path, newest_first: bool) -> None:
    site = Site(lambda name: LocalFolder(tmp_path / name), FakeNetmera(page_limit=1, newest_first=newest_first))
    (row,) = results(5, at=site.netmera.now_ms)
    site.netmera.add(row, row, *results(1, 9, at=site.netmera.now_ms))
    assert len({line["id"] for line in site.run()}) == 4
    assert site.run() == []


def test_pages_that_shift_while_they_are_read_repeat_nothing(tmp_path: Path) -> None:
    site = Site(lambda name: LocalFolder(tmp_path / name), FakeNetmera(page_limit=3, newest_first=True))
    now = site.netmera.now_ms
    site.netmera.add(*results(*range(1, 12), at=now))
    new = iter(results(*range(1, 60), at=now, status="FAILED"))
    site.netmera.meanwhile = lambda: site.netmera.add(next(new)) if len(site.netmera.results) < 25 else None
    counts = site.pull()
    assert counts["repeated"] > 0
    site.send()
    site.run()
    assert sorted(str(own(line)) for line in site.sent) == sorted(str(result.row) for result in site.netmera.results)
    assert len({line["id"] for line in site.sent}) == 25


def test_rows_that_were_not_asked_for_are_sent_once_for_as_long_as_they_come(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which time start and end mean is not documented: it may be another one than the rows say."""
    old = results(30 * 24 * 60, at=site.netmera.now_ms)
    future = results(-600, at=site.netmera.now_ms)
    timeless = [{"platform": "SMS", "extId": "CRM-1"}]
    monkeypatch.setattr(site.netmera, "_rows", lambda *_: [*old, *future, *timeless])
    assert len(site.run()) == 3
    for _ in range(10):
        pass_time(site, HOUR)
        assert site.run() == []


def test_what_is_no_message_log_becomes_one_dead_letter(site: Site) -> None:
    site.netmera.add(*results(1, at=site.netmera.now_ms), 42, {"timeStamp": "soon"})
    assert site.pull()["malformed"] == 2
    pass_time(site)
    assert site.pull()["malformed"] == 0
    note, written = sorted(site.state.list("dead_letters/"), key=lambda info: -info.name.endswith(".json"))
    assert json.loads(site.state.read(note.name))["export_format"]["record_type"] == "MESSAGE_LOG"
    letters = [json.loads(line) for line in site.state.read(written.name).splitlines()]
    assert [(letter["reason"], letter["file"], letter["event"]) for letter in letters] == [
        ("MALFORMED", "getPushResult", 42), ("MALFORMED", "getPushResult", {"timeStamp": "soon"}),
    ]  # fmt: skip
    assert len(site.send()) == 1


def test_too_much_that_is_no_message_log_fails_the_pull(site: Site) -> None:
    site.netmera.add(*range(101))
    with pytest.raises(QuotaExceeded, match=r"101 of 101 rows of Netmera's answer are no message logs"):
        site.pull()
    assert load_pull_state(site.state).position_ms is None


FAULTS: dict[str, tuple[list[Reply], type[Exception]]] = {
    "quota": ([error(400, 5022, "Quota exceeded")], RestQuotaSpent),
    "key": ([error(403, 2010, "API key is invalid")], RestRefused),
    "server": ([Reply(500)] * 2, RestUnavailable),
    "network": ([Reply(failure=requests.ConnectionError())] * 2, RestUnavailable),
    "empty": ([Reply(200)] * 2, RestUnavailable),
}


@pytest.mark.parametrize(("replies", "kind"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("page", [1, 2])
def test_a_page_that_fails_in_the_middle_loses_nothing_and_repeats_nothing(
    site: Site, replies: list[Reply], kind: type[Exception], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "FILE_BYTES", 500)  # so that the first page is kept before the second one fails
    rows = results(*range(12), at=site.netmera.now_ms)
    site.netmera.add(*rows)
    site.netmera.faults.extend([*[None] * page, *replies])
    with pytest.raises(kind):
        site.pull()
    assert 0 < len(site.send()) < 12
    site.run()
    assert sorted(str(own(line)) for line in site.sent) == sorted(map(str, rows))


def test_an_empty_answer_is_no_result_and_the_look_back_asks_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    rows = results(1, at=site.netmera.now_ms)
    site.netmera.add(*rows)
    site.netmera.faults.extend([Reply(200)] * 2)
    with caplog.at_level(logging.INFO):
        assert site.run() == []
    taken = (
        "answered without a body, which was taken for no results from 2026-09-06 18:00:00 UTC to 2026-09-06 21:00:00"
    )
    assert taken in caplog.text
    assert "LOST" not in caplog.text
    pass_time(site)
    assert [own(line) for line in site.run()] == rows


def test_an_empty_answer_that_no_look_back_reaches_is_told_with_its_time(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.run()
    pass_time(site, 20 * HOUR)
    site.netmera.faults.extend([None, Reply(200), Reply(200)])
    site.run()
    lost = "results from 2026-09-07 00:00:00 UTC to 2026-09-07 06:00:00 UTC, if there are any, are LOST"
    assert lost in caplog.text


def test_a_gap_is_caught_up(site: Site) -> None:
    site.run()
    now = pass_time(site, 20 * HOUR)
    site.netmera.add(*results(*range(0, 20 * 60, 30), at=now))
    asked_before = len(site.netmera.asked)
    assert len(site.run()) == 40
    starts = [int(asked["start"]) for asked in site.netmera.asked[asked_before:] if "start" in asked]
    assert starts == [now - 23 * HOUR, now - 17 * HOUR, now - 11 * HOUR, now - 5 * HOUR]
    assert site.run() == []


def test_a_long_gap_takes_several_runs_and_what_netmera_has_forgotten_is_told(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.run()
    now = pass_time(site, 20 * DAY)
    rows = results(*(day * 24 * 60 - 1 for day in range(1, 20)), at=now)
    site.netmera.add(*rows)
    with caplog.at_level(logging.INFO):
        runs = [len(site.run()) for _ in range(6)]
    assert sum(runs) == 14
    assert runs[-1] == 0
    assert "results from 2026-09-06 21:00:00 UTC to 2026-09-12 21:00:00 UTC are LOST" in caplog.text
    assert caplog.text.count("LOST") == 1
    assert "a gap is being caught up: the next run goes on from" in caplog.text


def test_a_longer_look_back_repeats_nothing_that_is_forgotten(site: Site) -> None:
    for _ in range(30):
        site.netmera.add(*results(0, at=pass_time(site, HOUR)))
        site.run(look_back_ms=2 * HOUR)
    pass_time(site)
    assert site.run(look_back_ms=24 * HOUR) == []
    assert len(site.sent) == 30


def test_an_old_run_that_is_cleared_pulls_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.netmera.add(*results(*range(0, 48 * 60, 60), at=site.netmera.now_ms))
    site.run()
    asked = len(site.netmera.asked)
    with caplog.at_level(logging.INFO):
        assert site.run(end_ms=site.netmera.now_ms - DAY) == []
    assert "nothing to ask for: results up to 2026-09-06 21:00:00 UTC were pulled before" in caplog.text
    assert len(site.netmera.asked) == asked


def test_what_is_remembered_does_not_grow(site: Site) -> None:
    sizes = []
    for _ in range(20):
        site.netmera.add(*results(*range(10), at=pass_time(site, 40 * MINUTE)))
        site.run()
        sizes.append([sum(info.size for info in site.state.list(kind)) for kind in ("seen/", "pull/")])
    digests, pointers = zip(*sizes, strict=True)
    assert max(digests) <= 16 * 10 * 6, "ten rows in forty minutes, for three hours and some more"
    assert max(pointers[12:]) <= max(pointers[6:12]) + 100
    assert list(site.pulled.list()) == []


def test_two_places_and_other_notifications_have_states_of_their_own() -> None:
    from airflow_netmera_kinesis.push_results.place import pulled_place

    place: dict[str, Any] = {"state": "/state/", "dag_id": "acme", "base_url": "https://a", "notification_keys": ()}
    first = pulled_place(**place)
    assert first.startswith("/state/push_results/acme-")
    others: list[dict[str, Any]] = [{"dag_id": "other"}, {"base_url": "https://b"}, {"notification_keys": ("1",)}]
    assert len({first, *(pulled_place(**{**place, **other}) for other in others)}) == 4
    assert pulled_place(**{**place, "notification_keys": ("2", "1")}) == pulled_place(
        **{**place, "notification_keys": ("1", "2", "1")}
    )


def test_while_too_many_files_wait_nothing_more_is_pulled(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pulling, "MAX_WAITING_FILES", 2)
    for _ in range(2):
        site.netmera.add(*results(0, at=pass_time(site)))
        site.pull()
    site.netmera.add(*results(0, at=pass_time(site)))
    asked = len(site.netmera.asked)
    assert site.pull()["waiting"] == 2
    assert "2 files of pulled results wait to be sent: nothing more is pulled" in caplog.text
    assert len(site.netmera.asked) == asked
    assert len(site.send()) == 2
    assert len(site.run()) == 1


def test_a_waiting_file_that_vanished_is_told_and_may_be_given_up(site: Site) -> None:
    site.netmera.add(*results(0, at=site.netmera.now_ms))
    site.pull()
    (info,) = site.pulled.list()
    site.pulled.delete(info.name)
    with pytest.raises(StateError, match="of pulled results vanished before being sent: restore the file, or put an"):
        site.pull()
    site.pulled.write(info.name, b"")
    assert site.run() == []


def test_a_commit_forgets_what_it_has_sent_so_that_no_pull_misses_it(site: Site) -> None:
    site.netmera.add(*results(0, at=site.netmera.now_ms))
    site.pull()
    assert len(load_pull_state(site.state).waiting) == 1
    site.send()
    assert load_pull_state(site.state).waiting == ()


def test_files_of_a_run_that_was_killed_right_after_its_commit_are_deleted_by_the_next_pull(site: Site) -> None:
    site.netmera.add(*results(0, at=site.netmera.now_ms))
    site.pull()
    assert len(site.send(forgets=False)) == 1
    assert len(list(site.pulled.list())) == 1
    assert site.run() == []
    assert list(site.pulled.list()) == []


def test_one_pull_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(leases, "LOOK_EVERY_SECONDS", 0.01)
    with hold(site.state, "pull", "another run"), pytest.raises(LeaseTaken, match="pull is held by another run"):
        site.pull()


def test_a_pull_that_was_overtaken_changes_nothing(site: Site) -> None:
    site.netmera.add(*results(0, 1, at=site.netmera.now_ms))

    def overtake() -> None:
        site.netmera.meanwhile = lambda: None
        for info in list(site.state.list("leases/")):
            site.state.delete(info.name)
        site.pull()

    site.netmera.meanwhile = overtake
    with pytest.raises(LeaseTaken, match="another pull has moved on to generation 1"):
        site.pull()
    assert len(site.send()) == 2
    assert site.run() == []
