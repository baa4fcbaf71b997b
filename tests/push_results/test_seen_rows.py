"""Of k equal rows seen before and k + 1 now, one is new; what is remembered is small and forgotten in time."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.push_results import seen
from airflow_netmera_kinesis.push_results.row import DIGEST_BYTES, PulledRow
from airflow_netmera_kinesis.push_results.seen import BUCKET_MS, BUCKETS, SeenRows, bucket_of


def row(number: int, time_ms: int | None = 0) -> PulledRow:
    return PulledRow(b"{}", number.to_bytes(DIGEST_BYTES, "big"), time_ms)


def nothing(_: int) -> bytes:
    return b""


def test_of_equal_rows_each_pass_takes_as_many_as_are_new() -> None:
    rows = SeenRows(nothing)
    assert [rows.take(row(1)), rows.take(row(1)), rows.take(row(2))] == [0, 1, 0]
    rows.begin_pass()
    assert [rows.take(row(1)), rows.take(row(2)), rows.take(row(1)), rows.take(row(1))] == [None, None, None, 2]
    assert rows.taken(row(1)) == 3


def test_rows_of_the_same_digest_but_another_time_do_not_meet() -> None:
    rows = SeenRows(nothing)
    assert [rows.take(row(1, 0)), rows.take(row(1, BUCKET_MS)), rows.take(row(1, None))] == [0, 0, 0]


def test_there_is_an_end_to_the_number_of_buckets() -> None:
    assert len({bucket_of(row(1, time)) for time in range(0, 2 * BUCKETS * BUCKET_MS, BUCKET_MS)}) == BUCKETS


pulls = st.lists(st.lists(st.integers(0, 6), max_size=12), min_size=1, max_size=6)


@given(pulls=pulls, folded=st.integers(1, 4), kept=st.booleans())
def test_whatever_comes_in_passes_every_copy_is_taken_once(pulls: list[list[int]], folded: int, kept: bool) -> None:
    stored: dict[int, bytes] = {}
    rows, most, taken = SeenRows(nothing), Counter[int](), Counter[tuple[int, int]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "FOLDED_ROWS", folded)
        for pull in pulls:
            if kept:  # another pull: all that it knows is what was stored
                rows = SeenRows(lambda number: stored.get(number, b""))
            rows.begin_pass()
            for number in pull:
                ordinal = rows.take(row(number))
                if ordinal is not None:
                    taken[number, ordinal] += 1
            assert Counter({n: rows.taken(row(n)) for n in set(pull)}) == Counter(pull)
            stored.update(rows.changed())
            rows.kept()
            assert rows.changed() == {}
            most |= Counter(pull)
    assert taken == Counter((number, ordinal) for number, copies in most.items() for ordinal in range(copies))


def test_a_hundred_thousand_rows_are_remembered_in_a_few_megabytes() -> None:
    tracemalloc.start()
    rows = SeenRows(nothing)
    for number in range(100_000):
        rows.take(row(number, number * 100))
    rows.begin_pass()
    remembered, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert remembered < 4_000_000
    assert sum(map(len, rows.changed().values())) == 100_000 * DIGEST_BYTES
