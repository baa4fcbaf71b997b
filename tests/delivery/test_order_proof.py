"""Receipts prove the order, or show where it was broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.delivery.order_proof import Break, Lineage, OrderProof

# As AWS gives them: 56 digits.
FIRST, SECOND = (
    "49590338271490256608559692538361571095921575989136588898",
    "49590338271490256608559692538361571095921575989136588899",
)
CHILDREN = Lineage({"parent": (), "left": ("parent",), "right": ("parent",), "merged": ("left", "right")})


def proof(lineage: Lineage = CHILDREN, keys: int | None = None) -> OrderProof[str]:
    return OrderProof(lineage, keys)


def test_numbers_that_rise_within_a_shard_are_in_order() -> None:
    receipts = proof()
    assert receipts.check("ayşe", "parent", FIRST) is None
    assert receipts.check("ayşe", "parent", SECOND) is None


@pytest.mark.parametrize("later", [FIRST, "7"])
def test_a_number_that_does_not_rise_is_a_break_with_both_receipts(later: str) -> None:
    receipts = proof()
    receipts.check("ayşe", "parent", FIRST)
    found = receipts.check("ayşe", "parent", later)
    assert found == Break("the sequence number did not rise within the shard", ("parent", FIRST), ("parent", later))


@given(st.integers(0, 10**58), st.integers(0, 10**58))
def test_numbers_are_compared_as_numbers_however_long_they_are(earlier: int, later: int) -> None:
    receipts = proof()
    receipts.check("ayşe", "parent", str(earlier))
    assert (receipts.check("ayşe", "parent", str(later)) is None) is (later > earlier)


def test_users_are_apart() -> None:
    receipts = proof()
    assert receipts.check("ayşe", "parent", SECOND) is None
    assert receipts.check("mehmet", "parent", FIRST) is None


@pytest.mark.parametrize("path", [["parent", "left"], ["parent", "right", "merged"], ["parent", "merged"]])
def test_a_key_moves_to_a_descendant_of_its_shard_with_any_number(path: list[str]) -> None:
    receipts = proof()
    assert [receipts.check("ayşe", shard, str(9 - at)) for at, shard in enumerate(path)] == [None] * len(path)


@pytest.mark.parametrize(("old", "new"), [("left", "right"), ("left", "parent"), ("merged", "left")])
def test_a_move_that_no_reshard_explains_is_a_break(old: str, new: str) -> None:
    receipts = proof()
    receipts.check("ayşe", old, "1")
    found = receipts.check("ayşe", new, "2")
    assert found == Break("the key changed its shard, and no reshard explains it", (old, "1"), (new, "2"))


def test_a_key_never_returns_to_a_shard_that_it_left_listed_or_not() -> None:
    receipts = proof(Lineage())
    assert receipts.check("ayşe", "a", "1") is None
    assert receipts.check("ayşe", "b", "2") is None
    assert receipts.check("ayşe", "c", "3") is None
    found = receipts.check("ayşe", "a", "4")
    assert found == Break("the key returned to a shard that it had left", ("c", "3"), ("a", "4"))


def test_after_a_break_the_rest_is_judged_by_what_was_right_before() -> None:
    receipts = proof()
    receipts.check("ayşe", "left", "5")
    assert receipts.check("ayşe", "left", "3") is not None
    assert receipts.check("ayşe", "left", "4") is not None
    assert receipts.check("ayşe", "left", "6") is None


def test_what_was_closed_between_two_listings_may_explain_anything() -> None:
    assert Lineage({"grandchild": ("never listed",)}).explains("old", "grandchild")
    assert Lineage({"old": ()}).explains("old", "not listed yet")
    assert Lineage({"new": ()}).explains("long gone", "new")
    assert not Lineage({"old": (), "new": ()}).explains("old", "new")


def test_a_newer_listing_adds_to_what_is_known() -> None:
    lineage = Lineage({"parent": ()})
    lineage.learn({"left": ("parent",), "right": ("parent",)})
    assert lineage.explains("parent", "left")
    assert not lineage.explains("left", "right")


def test_shards_that_name_each_other_as_parents_end_the_search() -> None:
    assert not Lineage({"a": ("b",), "b": ("a",), "old": ()}).explains("old", "a")


def test_while_sending_the_longest_known_keys_are_forgotten_first() -> None:
    receipts = proof(keys=2)
    for key in ("ayşe", "mehmet", "zeynep"):
        receipts.check(key, "parent", "5")
    assert len(receipts._last) == 2
    assert receipts.check("zeynep", "parent", "4") is not None
    assert receipts.check("ayşe", "parent", "4") is None
