"""A user's records come together within a window, in their order, and the window is bounded."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from simulation import make_record

from airflow_netmera_kinesis.delivery.gathering import gather
from airflow_netmera_kinesis.record import StagedRecord


def records(*users: str) -> list[StagedRecord]:
    return [make_record(line, user) for line, user in enumerate(users, start=1)]


def lines(gathered: list[StagedRecord]) -> list[int]:
    return [record.line for record in gathered]


def test_one_users_records_come_one_after_another() -> None:
    assert lines(list(gather(records("ayşe", "ali", "ayşe", "can", "ali", "ayşe")))) == [1, 3, 6, 2, 5, 4]


def test_beyond_the_window_a_record_comes_later() -> None:
    assert lines(list(gather(records("ayşe", "ali", "can", "ayşe"), max_records=2))) == [1, 2, 3, 4]


def test_exactly_the_window_is_held() -> None:
    source = iter(records("ayşe", "ali", "ayşe", "can"))
    gathered = gather(source, max_records=3)
    assert next(gathered).line == 1
    assert list(source) == []
    assert lines(list(gathered)) == [3, 2, 4]


def test_the_window_is_bounded_in_bytes() -> None:
    source = iter([make_record(line, user, size=400) for line, user in enumerate(["a", "b", "c", "a"], start=1)])
    assert lines(list(gather(source, max_bytes=800))) == [1, 2, 3, 4]


def test_as_much_as_a_record_holds_leaves_at_once() -> None:
    source = iter([make_record(line, user, size=400) for line, user in enumerate(["a", "b", "b", "a"], start=1)])
    gathered = gather(source, enough_bytes=800)
    assert (next(gathered).line, next(gathered).line) == (2, 3)
    assert next(source).line == 4


@given(st.lists(st.sampled_from("abcdef"), max_size=80), st.integers(0, 20), st.integers(1, 2_000))
def test_nothing_is_lost_and_every_user_keeps_the_order(users: list[str], window: int, enough: int) -> None:
    source = records(*users)
    gathered = list(gather(source, max_records=window, max_bytes=1_000, enough_bytes=enough))
    expected: dict[str, list[StagedRecord]] = defaultdict(list)
    found: dict[str, list[StagedRecord]] = defaultdict(list)
    for record in source:
        expected[record.key].append(record)
    for record in gathered:
        found[record.key].append(record)
    assert found == expected
