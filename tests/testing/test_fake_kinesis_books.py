from __future__ import annotations

import json
from hashlib import md5
from typing import Any

import pytest

from airflow_netmera_kinesis.testing import FakeKinesisCore, OrderBreak, event_ids, judge_order, unpack


def event(number: int, hook: str = "purchases") -> bytes:
    return json.dumps({"hookName": hook, "eventId": str(number), "payload": {"eventId": "not this"}}).encode()


def ids(*numbers: int) -> list[tuple[str, str]]:
    return [("purchases", str(number)) for number in numbers]


def put(core: Any, *arrivals: tuple[str, bytes]) -> None:
    records = [{"PartitionKey": key, "Data": data} for key, data in arrivals]
    core.handle("PutRecords", {"StreamName": "purchases", "Records": records})


def aggregate(*payloads: bytes) -> bytes:
    """Write a KPL aggregate of one key, as its format document has it."""

    def field(number: int, content: bytes) -> bytes:
        size = len(content)
        length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
        return bytes([number << 3 | 2]) + length + content

    records = (field(3, b"\x08\x00\x10\x00" + field(3, payload)) for payload in payloads)
    message = field(1, b"ayse") + field(2, b"0") + b"".join(records)
    return b"\xf3\x89\x9a\xc2" + message + md5(message).digest()


def test_everything_in_order_is_clean() -> None:
    arrivals = [("ayse", event(1)), ("fatma", event(7)), ("ayse", event(2))]
    verdict = judge_order(arrivals, {"ayse": ids(1, 2), "fatma": ids(7)})
    assert verdict.clean
    assert (verdict.arrived, verdict.duplicates) == (3, 0)


def test_a_duplicate_after_its_first_occurrence_is_no_order_break() -> None:
    arrivals = [("ayse", event(1)), ("ayse", event(2)), ("ayse", event(1)), ("ayse", event(3))]
    verdict = judge_order(arrivals, {"ayse": ids(1, 2, 3)})
    assert verdict.clean
    assert verdict.duplicates == 1


def test_what_never_arrived_is_lost() -> None:
    verdict = judge_order([("ayse", event(1))], {"ayse": ids(1, 2), "fatma": ids(7)})
    assert verdict.lost == (("ayse", ("purchases", "2")), ("fatma", ("purchases", "7")))
    assert not verdict.clean


def test_what_was_never_sent_is_strange() -> None:
    verdict = judge_order([("ayse", event(1)), ("ayse", event(9)), ("zeynep", event(1))], {"ayse": ids(1)})
    assert verdict.strange == (("ayse", ("purchases", "9")), ("zeynep", ("purchases", "1")))
    assert not verdict.clean


def test_every_late_event_is_an_order_break() -> None:
    arrivals = [("ayse", event(n)) for n in (1, 4, 2, 3, 5)]
    verdict = judge_order(arrivals, {"ayse": ids(1, 2, 3, 4, 5)})
    (four,) = ids(4)
    assert verdict.order_breaks == tuple(OrderBreak("ayse", late=late, early=four) for late in ids(2, 3))


def test_events_of_different_users_have_no_order_between_them() -> None:
    verdict = judge_order([("fatma", event(7)), ("ayse", event(1))], {"ayse": ids(1), "fatma": ids(7)})
    assert verdict.clean


def test_packed_events_are_judged_one_by_one() -> None:
    arrivals = [("ayse", event(1) + b"\n" + event(2) + b"\n"), ("ayse", aggregate(event(3), event(4)))]
    assert judge_order(arrivals, {"ayse": ids(1, 2, 3, 4)}).clean


def test_a_kpl_aggregate_is_unpacked_only_if_its_digest_is_right() -> None:
    payloads = [event(1), b"x" * 200, b""]
    data = aggregate(*payloads)
    assert unpack(data) == payloads
    assert unpack(data[:-1] + b"?") != payloads


def test_the_identity_of_an_event_is_its_hook_and_its_id() -> None:
    assert event_ids(event(1) + b"\n" + event(1, hook="refunds")) == [("purchases", "1"), ("refunds", "1")]


def test_identities_may_be_read_from_anything() -> None:
    verdict = judge_order([("ayse", b"1"), ("ayse", b"2")], {"ayse": [1, 2]}, read=lambda data: [int(data)])
    assert verdict.clean


def test_the_books_keep_each_keys_history_across_a_reshard(core: Any) -> None:
    for number in range(1, 7):
        put(core, ("ayse", event(number)), ("fatma", event(number)))
        if number % 2:
            core.reshard("purchases", 2 + number)
    history = core.books.by_key("purchases")
    assert [record.data for record in history["ayse"]] == [event(number) for number in range(1, 7)]
    positions = [record.position for record in core.books.in_order("purchases")]
    assert positions == sorted(positions)
    assert core.books.judge_order("purchases", {"ayse": ids(*range(1, 7)), "fatma": ids(*range(1, 7))}).clean


def test_the_books_count_surplus_copies(core: Any) -> None:
    put(core, ("ayse", event(1)), ("ayse", event(1)), ("ayse", event(1)), ("ayse", event(2)))
    assert core.books.duplicates("purchases") == {("ayse", ("purchases", "1")): 2}


def test_counts_are_of_one_stream_and_do_not_change_afterwards(core: Any) -> None:
    core.create_stream("refunds")
    put(core, ("ayse", b"12345"))
    before = core.books.counts("purchases")
    put(core, ("ayse", b"12345"))
    assert (before.requests, before.offered, before.stored, before.stored_bytes) == (1, 1, 1, 5)
    assert core.books.counts("purchases").stored == 2
    assert core.books.counts("refunds").stored == 0


def test_the_books_of_a_stream_that_is_not_there_are_a_key_error(core: FakeKinesisCore) -> None:
    with pytest.raises(KeyError):
        core.books.by_shard("refunds")
