from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.netmera.event import Event, Identities
from airflow_netmera_kinesis.netmera.partition_key import choose_key, partition_of

AYSE = Event(user_id="u-ayşe", identities=Identities(ext_id="CRM-1", installation_id="i-1"))
NOBODY = Event()


def test_the_user_id_is_the_key() -> None:
    assert choose_key(AYSE, ["userId"]) == "u-ayşe"


def test_fallbacks_are_taken_in_the_order_that_the_hook_gives() -> None:
    without_user = Event(identities=AYSE.identities)
    assert choose_key(without_user, ["userId"]) is None
    assert choose_key(without_user, ["userId", "extId", "installationId"]) == "CRM-1"
    assert choose_key(without_user, ["userId", "installationId", "extId"]) == "i-1"
    assert choose_key(AYSE, ["extId", "userId"]) == "CRM-1"


def test_an_event_without_any_of_the_ids_has_no_key() -> None:
    assert choose_key(NOBODY, ["userId", "extId", "installationId"]) is None


@pytest.mark.parametrize("letter", ["k", "ğ", "🛒"])
def test_a_key_of_256_characters_is_kept_whatever_its_bytes(letter: str) -> None:
    assert choose_key(Event(user_id=letter * 256), ["userId"]) == letter * 256


def test_a_key_of_257_characters_becomes_its_sha256() -> None:
    assert choose_key(Event(user_id="ğ" * 257), ["userId"]) == hashlib.sha256(("ğ" * 257).encode()).hexdigest()


def test_two_long_users_with_one_beginning_stay_two() -> None:
    one, other = (choose_key(Event(user_id="k" * 300 + end), ["userId"]) for end in "ab")
    assert one != other


@given(st.text(min_size=1), st.integers(1, 1024))
def test_a_partition_is_a_range_of_the_hash_space(key: str, partitions: int) -> None:
    key = key.encode("utf-8", "replace").decode()
    place = int(hashlib.md5(key.encode()).hexdigest(), 16)
    found = partition_of(key, partitions)
    assert found * 2**128 <= place * partitions < (found + 1) * 2**128


def test_one_partition_owns_every_key() -> None:
    assert partition_of("u-ayşe", 1) == 0
