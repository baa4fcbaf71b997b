"""What a consumer can tell of each user's order."""

from __future__ import annotations

import msgspec
import pytest

from airflow_netmera_kinesis.delivery.kpl import aggregate
from airflow_netmera_kinesis.tailing import order_watch
from airflow_netmera_kinesis.tailing.order_watch import Findings, OrderWatch
from airflow_netmera_kinesis.tailing.stream_reader import Arrived


def payload(event: str, time_ms: int | None = None, hook: str = "purchases") -> bytes:
    data = {"timestamp": time_ms} if time_ms is not None else {}
    return msgspec.json.encode({"hookName": hook, "eventId": event, "eventData": data})


def watch(*records: tuple[str, str, bytes], finished: frozenset[str] = frozenset()) -> Findings:
    watching = OrderWatch()
    for number, (shard, key, data) in enumerate(records):
        watching.take(Arrived(shard, str(number), key, data), finished)
    return watching.findings


def test_events_in_the_order_of_their_time_are_in_order() -> None:
    found = watch(("s0", "ada", payload("1", 10)), ("s0", "bob", payload("2", 5)), ("s0", "ada", payload("3", 10)))
    assert found.in_order
    assert (found.records, found.payloads, found.keys, found.duplicates) == (3, 3, 2, 0)


def test_an_event_older_than_what_came_before_of_its_user_is_found() -> None:
    found = watch(("s0", "ada", payload("1", 10)), ("s0", "ada", payload("2", 9)))
    assert (found.back_in_time, found.in_order) == (1, False)


def test_a_second_copy_is_a_duplicate_and_no_break() -> None:
    found = watch(("s0", "ada", payload("1", 9)), ("s0", "ada", payload("2", 10)), ("s0", "ada", payload("1", 9)))
    assert (found.duplicates, found.in_order) == (1, True)


def test_one_event_through_two_hooks_is_no_duplicate() -> None:
    assert watch(("s0", "ada", payload("1", 9)), ("s0", "ada", payload("1", 9, hook="all"))).duplicates == 0


@pytest.mark.parametrize(("finished", "breaks"), [(frozenset[str](), 1), (frozenset({"s0"}), 0)])
def test_a_key_in_a_second_shard_must_have_come_from_a_closed_one(finished: frozenset[str], breaks: int) -> None:
    found = watch(("s0", "ada", payload("1", 1)), ("s1", "ada", payload("2", 2)), finished=finished)
    assert found.two_shards == breaks


def test_packed_records_are_taken_apart() -> None:
    lines = payload("1", 1) + b"\n" + payload("2", 2)
    kpl = aggregate("ada", [payload("3", 3), payload("4", 1)])
    found = watch(("s0", "ada", lines), ("s0", "ada", kpl))
    assert (found.records, found.payloads, found.back_in_time) == (2, 4, 1)


@pytest.mark.parametrize("data", [b"not json", b"[1]", b'{"some": "thing"}', b"\xff"])
def test_what_is_not_of_this_connector_is_counted_apart(data: bytes) -> None:
    found = watch(("s0", "ada", data))
    assert (found.foreign, found.in_order) == (1, True)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_watch, "REMEMBERED_EVENTS", 3)
    found = watch(*[("s0", "ada", payload(str(number), number)) for number in [*range(5), 0, 4]])
    assert found.duplicates == 1, "only the last three are remembered"
