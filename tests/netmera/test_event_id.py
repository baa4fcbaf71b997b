from __future__ import annotations

import hashlib
import json

import pytest
from msgspec import Raw

from airflow_netmera_kinesis.netmera.content_hash import content_hash
from airflow_netmera_kinesis.netmera.event import Event, Identities, MessageLog, OpenIdentities
from airflow_netmera_kinesis.netmera.event_id import EventIds

LOGIN = Event(event_code="n:cl", time_ms=1_788_728_400_000, user_id="u-ayşe", params=Raw(b'{"a":1,"b":[true,null]}'))


def ids_of(*events: Event | None, window: int = 65_536) -> list[str | None]:
    """None stands for a row that fires nothing."""
    ids = EventIds(window)
    return [None if event is None else ids.id_of(event, row) for row, event in enumerate(events)]


def test_an_event_keeps_its_own_id() -> None:
    assert EventIds().id_of(Event(id="e1"), 0) == "e1"


def test_without_one_it_gets_a_hash_of_its_canonical_row_as_anybody_may_compute_it() -> None:
    row = {
        "recordType": "EVENT",
        "eventCode": "n:cl",
        "timestamp": 1_788_728_400_000,
        "userId": "u-ayşe",
        "params": {"a": 1, "b": [True, None]},
    }
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert ids_of(LOGIN) == [hashlib.sha256(canonical.encode()).hexdigest()[:32]]


def test_the_id_is_the_same_every_time() -> None:
    assert ids_of(LOGIN, LOGIN) == ids_of(LOGIN, LOGIN)


def test_the_order_of_keys_and_the_spelling_of_letters_make_no_difference() -> None:
    other = Raw(b'{"b":[true,null],"\\u0061":1}')
    again = Event(event_code="n:cl", time_ms=1_788_728_400_000, user_id="u-ayşe", params=other)
    assert content_hash(again) == content_hash(LOGIN)


DIFFERENT: list[Event | MessageLog] = [
    Event(event_code="n:cl"),
    Event(event_name="n:cl"),
    Event(app_key="n:cl"),
    Event(user_id="n:cl"),
    Event(time_ms=1),
    Event(time_ms=2),
    Event(params=Raw(b"1")),
    Event(params=Raw(b"1.0")),
    Event(params=Raw(b'"1"')),
    Event(revenue=Raw(b"1")),
    Event(device=Raw(b"1")),
    Event(profile=Raw(b"1")),
    Event(identities=Identities(ext_id="1")),
    Event(identities=Identities(email="1")),
    Event(identities=OpenIdentities(more={"ext_id": Raw(b'"1"')})),
    Event(params=Raw(b"1e999")),
    Event(params=Raw(b"2e999")),
    MessageLog(),
    MessageLog(item={"status": Raw(b'"SENT"')}),
    MessageLog(item={"status": Raw(b'"FAILED"')}),
    MessageLog(profile=Raw(b"1")),
]


def test_any_difference_of_content_is_a_difference_of_ids() -> None:
    assert len({content_hash(event) for event in DIFFERENT}) == len(DIFFERENT)


def test_identical_rows_are_numbered() -> None:
    first, second, _, third = ids_of(LOGIN, LOGIN, None, LOGIN)
    assert (second, third) == (f"{first}-1", f"{first}-2")


def test_an_identical_row_counts_while_it_is_among_the_rows_before() -> None:
    window = 4
    first, *_, last = ids_of(LOGIN, None, None, None, LOGIN, window=window)
    assert last == f"{first}-1"
    first, *_, last = ids_of(LOGIN, None, None, None, None, LOGIN, window=window)
    assert last == first


def test_a_chain_of_identical_rows_never_repeats_an_id_however_long_it_is() -> None:
    ids = ids_of(*([LOGIN, None, None] * 100), window=4)
    assert len({each for each in ids if each}) == 100


@pytest.mark.parametrize("window", [1, 1000])
def test_memory_is_bounded_by_the_rows_that_count(window: int) -> None:
    ids = EventIds(window)
    for row in range(5000):
        ids.id_of(Event(time_ms=row), row)
    assert len(ids._last) <= window + 1
