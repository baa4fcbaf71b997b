from __future__ import annotations

from pathlib import Path

from airflow_netmera_kinesis.exports.settling import Clock, Settling, clock_for
from airflow_netmera_kinesis.state.plan_memory import PlanMemory
from airflow_netmera_kinesis.storage import FileInfo, LocalFolder

MINUTE, DAY = 60_000, 86_400_000
NOW = 1_788_700_000_000


class Deaf(LocalFolder):
    """A folder whose store tells no time."""

    def now_ms(self) -> None:  # type: ignore[override]
        return None


def look(folder: LocalFolder, info: FileInfo, before: PlanMemory, now_ms: int) -> tuple[str | None, PlanMemory]:
    """Plan once; return why the file waits, and what the next plan knows."""
    settling = Settling(folder, before, Clock(now_ms, stamps_files=folder.now_ms() is not None), MINUTE)
    reason = settling.reason_to_wait(info)
    return reason, PlanMemory(settling.sizes, seen=settling.seen)


def test_where_the_store_tells_the_time_a_file_waits_until_it_is_old_enough(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    assert look(folder, FileInfo("a", 1, NOW - MINUTE + 1), PlanMemory(), NOW)[0] == "younger than min_age"
    assert look(folder, FileInfo("a", 1, NOW - MINUTE), PlanMemory(), NOW) == (None, PlanMemory())


def test_where_nobody_tells_the_time_a_file_waits_until_it_was_seen_twice(tmp_path: Path) -> None:
    folder, file = Deaf(tmp_path), FileInfo("a", 1, NOW - 10 * MINUTE)
    reason, known = look(folder, file, PlanMemory(), NOW)
    assert reason == "seen for less than min_age"
    reason, known = look(folder, file, known, NOW + MINUTE - 1)
    assert reason == "seen for less than min_age"
    assert look(folder, file, known, NOW + MINUTE)[0] is None


def test_a_file_that_grows_or_is_replaced_begins_to_wait_again(tmp_path: Path) -> None:
    folder, file = Deaf(tmp_path), FileInfo("a", 1, NOW)
    known = look(folder, file, PlanMemory(), NOW)[1]
    for changed in (FileInfo("a", 2, NOW), FileInfo("a", 1, NOW + 1_000)):
        reason, after = look(folder, changed, known, NOW + 5 * MINUTE)
        assert reason == "seen for less than min_age"
        assert after.seen["a"].since_ms == NOW + 5 * MINUTE


def test_whatever_the_clocks_and_zones_a_file_of_a_day_ago_is_old_and_one_from_the_future_is_not(
    tmp_path: Path,
) -> None:
    folder = Deaf(tmp_path)
    assert look(folder, FileInfo("a", 1, NOW - MINUTE - DAY), PlanMemory(), NOW) == (None, PlanMemory())
    assert look(folder, FileInfo("a", 1, NOW + DAY), PlanMemory(), NOW)[0] == "seen for less than min_age"


def test_what_is_remembered_of_a_file_is_forgotten_once_it_is_old(tmp_path: Path) -> None:
    folder, file = Deaf(tmp_path), FileInfo("a", 1, NOW)
    known = look(folder, file, PlanMemory(), NOW)[1]
    assert look(folder, file, known, NOW + 2 * DAY)[1].seen == {}


def test_a_file_that_stood_still_between_two_plans_needs_no_last_newline(tmp_path: Path) -> None:
    folder = Deaf(tmp_path)
    folder.write("a", b"half a li")
    for modified_ms, waits in ((NOW, False), (NOW - 2 * DAY, True)):
        settling = Settling(folder, PlanMemory(), Clock(NOW, stamps_files=False), MINUTE)
        file = FileInfo("a", 9, modified_ms)
        settling.reason_to_wait(file)
        assert settling.may_still_grow(file) is waits


def test_the_state_tells_the_time_where_the_exports_cannot(tmp_path: Path) -> None:
    state = LocalFolder(tmp_path / "state")
    assert clock_for(LocalFolder(tmp_path), state).stamps_files
    clock = clock_for(Deaf(tmp_path), state)
    assert (clock.stamps_files, abs(clock.now_ms - state.now_ms()) < DAY) == (False, True)
