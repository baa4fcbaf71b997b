"""What waits on disk comes back in order, key by key, whole."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation import make_record

from airflow_netmera_kinesis.delivery.spill import DiskSpill
from airflow_netmera_kinesis.record import StagedRecord

MANY = 10**9


def lines(records: list[StagedRecord]) -> list[int]:
    return [record.line for record in records]


def test_nothing_is_made_on_disk_before_the_first_record() -> None:
    spill = DiskSpill()
    assert spill.pull("ayşe", 10, MANY) == []
    assert spill._table is None
    spill.close()


def test_records_come_back_as_they_were() -> None:
    spill = DiskSpill()
    record = StagedRecord(3, 70_000, 2, "ayşe\x00\ud83e", b"\x00\xff{}", "e1", 1_757_404_800_000)
    spill.push(msgspec.structs.replace(record, key="ayşe 🦊", time_ms=None))
    [back] = spill.pull("ayşe 🦊", 1, MANY)
    assert back == msgspec.structs.replace(record, key="ayşe 🦊", time_ms=None)
    spill.close()


def test_the_oldest_of_a_key_come_first_in_chunks_and_each_once() -> None:
    spill = DiskSpill()
    for line in range(1, 8):
        spill.push(make_record(line, "hot" if line != 4 else "other"))
    assert [lines(spill.pull("hot", 3, MANY)) for _ in range(3)] == [[1, 2, 3], [5, 6, 7], []]
    assert lines(spill.pull("other", 3, MANY)) == [4]
    spill.close()


@pytest.mark.parametrize(
    ("size", "pulled"), [(0, [1]), (1, [1]), (1_050, [1, 2]), (2_200, [1, 2, 3]), (MANY, [1, 2, 3, 4])]
)
def test_bytes_bound_a_chunk_but_one_record_always_comes(size: int, pulled: list[int]) -> None:
    spill = DiskSpill()
    for line in range(1, 5):
        spill.push(make_record(line, "hot", size=1_000))
    assert lines(spill.pull("hot", 100, size)) == pulled
    spill.close()


def test_closing_gives_the_space_back_and_may_be_done_twice() -> None:
    spill = DiskSpill()
    spill.push(make_record(1, "hot"))
    spill.close()
    spill.close()
    assert spill.pull("hot", 1, MANY) == []


@settings(max_examples=50)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.sampled_from(["ayşe", "ayş", "AYŞE", ""]), st.integers(1, 400)),
            st.tuples(st.just("pull"), st.sampled_from(["ayşe", "ayş", "AYŞE", ""]), st.integers(1, 5)),
        ),
        max_size=60,
    )
)
def test_it_is_a_queue_for_each_key(steps: list[tuple[str, str, int]]) -> None:
    spill, model = DiskSpill(), defaultdict[str, list[int]](list)
    for number, (step, key, amount) in enumerate(steps):
        if step == "push":
            spill.push(make_record(number, key, size=amount))
            model[key].append(number)
        else:
            assert lines(spill.pull(key, amount, MANY)) == model[key][:amount]
            del model[key][:amount]
    spill.close()
