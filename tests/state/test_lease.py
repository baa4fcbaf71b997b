from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fate import LaterFolder

from airflow_netmera_kinesis.errors import LeaseTaken
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.state.lease import acquire, hold, holders
from airflow_netmera_kinesis.storage import Folder, LocalFolder


def never(_: float) -> None:
    raise AssertionError("nobody should have to wait")


def once(act: Callable[[], object]) -> Callable[[float], None]:
    """Act while somebody waits, the first time."""
    acts = [act]

    def sleep(_: float) -> None:
        if acts:
            acts.pop()()

    return sleep


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the holder's own clock jump, as it does for a process that was stopped."""
    clock = leases._now
    offset = [0.0]
    monkeypatch.setattr(leases, "_now", lambda: clock() + offset[0])

    def jump(seconds: float) -> None:
        offset[0] += seconds

    return jump


def names(folder: Folder) -> list[str]:
    return sorted(info.name for info in folder.list("leases/"))


def test_a_lease_is_held_while_the_block_runs_and_is_gone_afterwards(folder: Folder) -> None:
    with hold(folder, "plan", "a test") as lease:
        lease.check()
        assert names(folder) == ["leases/plan.0000001"]
    assert names(folder) == []


def test_a_lease_is_released_when_its_block_fails(folder: Folder) -> None:
    def fail() -> None:
        with hold(folder, "plan", "a test"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(folder) == []


def test_a_lease_that_shows_life_is_taken_and_the_message_says_by_whom_since_when_and_what_to_do(
    folder: Folder,
) -> None:
    first = acquire(folder, "send-0003", "task send[3] of run monday")
    with pytest.raises(LeaseTaken) as caught:
        acquire(folder, "send-0003", "another", sleep=once(first.renew))
    message = str(caught.value)
    assert message.startswith("send-0003 is held by task send[3] of run monday (host ")
    assert f"pid {os.getpid()}) since 20" in message
    assert message.endswith("run again; if it was killed, its lease expires within a minute")
    first.check()


def test_who_finds_a_lease_taken_waits_for_a_holder_that_is_about_to_finish(folder: Folder) -> None:
    first = acquire(folder, "plan", "first")
    second = acquire(folder, "plan", "second", sleep=once(first.release))
    second.check()


def test_other_names_are_other_leases(folder: Folder) -> None:
    with (
        hold(folder, "slice/send-0001", "a"),
        hold(folder, "slice/send-0002", "b"),
        hold(folder, "slice/send-000", "c"),
    ):
        assert len(holders(folder, "slice/")) == 3
        (holder,) = holders(folder, "slice/send-0002")
        assert holder.startswith("b (host ")
    assert holders(folder, "slice/") == []


def test_a_lease_renewed_while_it_is_looked_at_is_held_by_whom_it_was(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = acquire(folder, "plan", "a test")
    listed = list(folder.list("leases/"))
    lease.renew()
    outdated, current = iter([listed, listed]), folder.list
    monkeypatch.setattr(folder, "list", lambda prefix: iter(next(outdated, None) or current(prefix)))
    (holder,) = holders(folder, "plan")
    assert holder.startswith("a test (host ")


def test_a_renewed_lease_is_one_file_with_a_newer_time(folder: Folder) -> None:
    lease = acquire(folder, "plan", "a test")
    for _ in range(3):
        lease.renew()
    assert names(folder) == ["leases/plan.0000004"]
    lease.check()
    lease.release()


def test_an_expired_lease_is_taken_over_at_once_and_its_holder_notices(folder: Folder) -> None:
    first = acquire(folder, "plan", "first")
    later = LaterFolder(folder, ahead_ms=leases.EXPIRY_MS + 2_000)
    second = acquire(later, "plan", "second", sleep=never)
    with pytest.raises(LeaseTaken, match=r"the lease on plan was lost: .* held by second"):
        first.renew()
    with pytest.raises(LeaseTaken):
        first.check()
    first.release()
    second.check()
    assert names(folder) == ["leases/plan.0000002"]


def test_a_lease_expires_in_less_than_a_minute_of_the_stores_clock_and_not_before(folder: Folder) -> None:
    acquire(folder, "plan", "first")
    assert holders(LaterFolder(folder, ahead_ms=40_000), "plan")
    assert not holders(LaterFolder(folder, ahead_ms=60_000), "plan")


def test_a_machine_whose_clock_is_an_hour_off_neither_takes_over_nor_is_taken_over(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, nanoseconds = time.time, time.time_ns
    first = acquire(folder, "plan", "first")
    for off in (3600, -3600):
        monkeypatch.setattr(time, "time", lambda off=off: seconds() + off)
        monkeypatch.setattr(time, "time_ns", lambda off=off: nanoseconds() + off * 10**9)
        with pytest.raises(LeaseTaken):
            acquire(folder, "plan", "second", sleep=once(first.renew))
        first.check()


def test_a_holder_that_was_paused_and_taken_over_finds_out_when_it_checks(
    folder: Folder, paused: Callable[[float], None]
) -> None:
    first = acquire(folder, "send-0000", "first")
    paused(60)
    second = acquire(LaterFolder(folder, ahead_ms=60_000), "send-0000", "second")
    with pytest.raises(LeaseTaken):
        first.check()
    second.check()


def test_a_paused_holder_finds_out_even_after_the_other_has_finished(
    folder: Folder, paused: Callable[[float], None]
) -> None:
    first = acquire(folder, "send-0000", "first")
    second = acquire(LaterFolder(folder, ahead_ms=60_000), "send-0000", "second")
    second.release()
    paused(60)
    with pytest.raises(LeaseTaken, match="somebody else held it meanwhile"):
        first.check()
    assert names(folder) == []


def test_a_paused_holder_that_nobody_replaced_goes_on(folder: Folder, paused: Callable[[float], None]) -> None:
    lease = acquire(folder, "send-0000", "first")
    paused(60)
    lease.check()
    assert names(folder) == ["leases/send-0000.0000002"]


def test_a_check_asks_the_store_only_when_the_last_renewal_is_long_ago(
    folder: Folder, paused: Callable[[float], None]
) -> None:
    lease = acquire(folder, "plan", "a test")
    paused(leases.SURE_FOR_SECONDS - 5)
    lease.check()
    assert names(folder) == ["leases/plan.0000001"]


def test_a_holder_that_cannot_reach_the_store_stops_before_its_lease_expires(
    folder: Folder, paused: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = acquire(folder, "plan", "a test")
    paused(leases.SURE_FOR_SECONDS + 1)

    def unreachable(*_: object) -> bool:
        raise OSError("the store does not answer")

    monkeypatch.setattr(folder, "create", unreachable)
    with pytest.raises(OSError, match="does not answer"):
        lease.check()
    assert leases.SURE_FOR_SECONDS * 1000 < leases.EXPIRY_MS


def test_a_lost_answer_to_the_renewal_is_not_a_lost_lease(folder: Folder) -> None:
    lease = acquire(folder, "plan", "a test")
    folder.create("leases/plan.0000002", lease._content)
    lease.renew()
    lease.check()


def test_of_many_that_want_a_lease_at_once_at_most_one_gets_it(folder: Folder) -> None:
    held: list[leases.Lease] = []
    gate = threading.Barrier(6)

    def want(number: int) -> None:
        gate.wait()
        try:
            held.append(acquire(folder, "plan", f"{number}", sleep=lambda _: held[0].renew() if held else None))
        except LeaseTaken:
            return

    threads = [threading.Thread(target=want, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    held[0].check()


def test_two_that_take_over_from_different_sights_never_both_hold(folder: Folder) -> None:
    """One listed an expired lease, was paused, and goes on when another has taken over, renewed and finished."""
    acquire(folder, "plan", "dead")
    later = LaterFolder(folder, ahead_ms=60_000)
    stale = leases._generations(folder, "plan")
    second = acquire(later, "plan", "second")
    second.renew()
    with pytest.raises(LeaseTaken):
        leases._take(folder, "plan", "stale", stale, leases._now())
    second.renew()
    second.check()


HOLDER = """
import sys, time
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.errors import LeaseTaken
from airflow_netmera_kinesis.storage import LocalFolder
leases.EXPIRY_MS, leases.RENEW_EVERY_SECONDS, leases.SURE_FOR_SECONDS = 1_500, 0.2, 0.8
with leases.hold(LocalFolder(sys.argv[1]), "send-0000", "the holder") as lease:
    print("held", flush=True)
    while True:
        try:
            lease.check()
        except LeaseTaken as error:
            print(f"stopped: {error}", flush=True)
            break
        time.sleep(0.01)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Any:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.stdout.close()
    process.wait()


def test_the_lease_of_a_process_that_was_killed_on_this_machine_is_free_at_once(tmp_path: Path, holder: Any) -> None:
    folder = LocalFolder(tmp_path)
    assert holders(folder, "send-0000")
    holder.kill()
    holder.wait()
    acquire(folder, "send-0000", "the next", sleep=never)


def test_a_process_that_was_stopped_and_wakes_up_after_the_expiry_notices(
    tmp_path: Path, holder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = LocalFolder(tmp_path)
    monkeypatch.setattr(leases, "EXPIRY_MS", 1_500)
    monkeypatch.setattr(leases, "LOOK_EVERY_SECONDS", 0.1)
    holder.send_signal(signal.SIGSTOP)
    second = acquire(folder, "send-0000", "the next")
    holder.send_signal(signal.SIGCONT)
    assert holder.stdout.readline().startswith("stopped: the lease on send-0000 was lost")
    second.renew()
