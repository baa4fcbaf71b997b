from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.state.firing_set import Firing, FiringSet

firings = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300), st.integers(0, 3)))


@given(firings, firings)
def test_it_holds_what_a_set_of_tuples_would(added: list[Firing], asked: list[Firing]) -> None:
    held = FiringSet()
    held.add(added)
    assert len(held) == len(set(added))
    assert [firing in held for firing in asked] == [firing in set(added) for firing in asked]
    assert held.by_hook() == {hook: len({f for f in added if f[2] == hook}) for hook in {f[2] for f in added}}


@given(firings, firings)
def test_it_counts_what_another_set_does_not_hold(added: list[Firing], others: list[Firing]) -> None:
    held, other = FiringSet(), FiringSet()
    held.add(added)
    other.add(others)
    assert held.count_without(other) == len(set(added) - set(others))


@given(firings)
def test_it_can_be_stored_and_made_again(added: list[Firing]) -> None:
    held = FiringSet()
    held.add(added)
    again = FiringSet(held.lines())
    assert len(again) == len(held)
    assert all(firing in again for firing in added)


def test_a_million_lines_take_less_than_a_megabyte() -> None:
    tracemalloc.start()
    held = FiringSet()
    for line in range(0, 1_000_000, 50):
        held.add([(0, line, 1)])
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held) == 20_000
    assert size < 1_000_000
