"""Several waiting events of one user travel in one record: in order, unchanged, and never larger than may be."""

from __future__ import annotations

import hashlib
from collections import deque

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.delivery.ordering import Entry, Packer, one_by_one, size_of
from airflow_netmera_kinesis.delivery.packing import MAX_PACKED_BYTES, packer_of
from airflow_netmera_kinesis.netmera.hook_definition import Packing
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.tailing.unpacking import unpack

BOTH = pytest.mark.parametrize("packing", [Packing.NDJSON, Packing.KPL])
KEYS = ["u1", "ayşe", "山田太郎", "🦊" * 256, hashlib.sha256(b"a key of 300 characters").hexdigest()]


def event(line: int, key: str = "u1", size: int = 100) -> StagedRecord:
    return StagedRecord(
        0, line, 0, key, b'{"eventId":"e%d"}' % line + b" " * (size - 15 - len(str(line))), f"e{line}", None
    )


def pack(packer: Packer, *records: StagedRecord) -> tuple[Entry, list[StagedRecord]]:
    """Pack all, the first at the head; return the entry and what still waits."""
    waiting = deque(records[1:])
    return packer(records[0], waiting), list(waiting)


def size_on_the_wire(entry: Entry) -> int:
    return len(entry.data) + len(entry.key.encode())


@BOTH
def test_one_event_alone_goes_as_it_is(packing: Packing) -> None:
    for waiting in (None, deque[StagedRecord]()):
        assert packer_of(packing, 1_000_000)(event(1), waiting) == one_by_one(event(1), None)


def test_without_packing_everybody_waits_his_turn() -> None:
    entry, waiting = pack(packer_of(Packing.NONE, 1_000_000), event(1), event(2))
    assert (entry.records, waiting) == ((event(1),), [event(2)])


def test_lines_are_joined_by_a_newline_and_none_stands_at_the_end() -> None:
    entry, waiting = pack(packer_of(Packing.NDJSON, 1_000_000), event(1), event(2), event(3))
    assert entry.data == event(1).payload + b"\n" + event(2).payload + b"\n" + event(3).payload
    assert (entry.records, waiting) == ((event(1), event(2), event(3)), [])


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\r"])
def test_a_line_break_between_two_tokens_becomes_a_space(line_break: bytes) -> None:
    pretty = msgspec.structs.replace(event(1), payload=b'{"a":' + line_break + b'"x\\ny"}')
    packer = packer_of(Packing.NDJSON, 1_000_000)
    alone, _ = pack(packer, pretty)
    both, _ = pack(packer, pretty, pretty)
    assert msgspec.json.decode(alone.data) == {"a": "x\ny"}
    assert both.data.splitlines() == [alone.data, alone.data]
    assert (alone.size, both.size) == (size_on_the_wire(alone), size_on_the_wire(both))


@pytest.mark.parametrize("key", KEYS)
@BOTH
def test_two_events_of_exactly_the_limit_travel_together_and_one_more_byte_does_not(packing: Packing, key: str) -> None:
    first, second = event(1, key), event(2, key)
    together, _ = pack(packer_of(packing, MAX_PACKED_BYTES), first, second)
    limit = size_on_the_wire(together)
    assert pack(packer_of(packing, limit), first, second) == (together, [])
    assert pack(packer_of(packing, limit - 1), first, second) == (one_by_one(first, None), [second])
    longer = msgspec.structs.replace(second, payload=second.payload + b" ")
    assert pack(packer_of(packing, limit), first, longer) == (one_by_one(first, None), [longer])


@BOTH
def test_what_does_not_fit_waits_for_the_next_record_even_if_a_smaller_one_behind_it_would(packing: Packing) -> None:
    big, small = event(2, size=900), event(3, size=50)
    entry, waiting = pack(packer_of(packing, 1_000), event(1), big, small)
    assert (entry.records, waiting) == ((event(1),), [big, small])


@BOTH
def test_an_event_that_is_larger_than_packed_records_may_be_goes_alone(packing: Packing) -> None:
    huge = event(1, size=MAX_PACKED_BYTES + 1)
    entry, waiting = pack(packer_of(packing, 1_048_576), huge, event(2))
    assert (entry, waiting) == (one_by_one(huge, None), [event(2)])


@BOTH
def test_a_packed_record_is_five_put_payload_units_at_most_however_much_the_stream_takes(packing: Packing) -> None:
    entry, waiting = pack(packer_of(packing, 10_485_760), *(event(line, size=1_000) for line in range(1, 300)))
    assert 127_000 < size_on_the_wire(entry) <= MAX_PACKED_BYTES == 128_000
    assert [*entry.records, *waiting] == [event(line, size=1_000) for line in range(1, 300)]


PAYLOADS = st.lists(
    st.dictionaries(st.sampled_from(["ad", "fiyat", "not"]), st.text(max_size=40) | st.integers() | st.none()),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("packing", list(Packing))
@given(
    documents=PAYLOADS, key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), limit=st.integers(1, 2_000)
)
def test_what_is_packed_is_unpacked_unchanged_and_in_order(
    packing: Packing, documents: list[dict[str, str]], key: str, limit: int
) -> None:
    payloads = [msgspec.json.encode(document) for document in documents]
    records = [StagedRecord(0, line, 0, key, payload, "", None) for line, payload in enumerate(payloads)]
    packer = packer_of(packing, limit)
    unpacked: list[bytes] = []
    while records:
        entry, waiting = pack(packer, *records)
        assert list(entry.records) + waiting == records
        assert entry.size == size_on_the_wire(entry)
        assert entry.size <= limit or len(entry.records) == 1
        assert entry.size >= size_of(entry.records[0])
        unpacked += unpack(entry.data)
        records = waiting
    assert unpacked == payloads
