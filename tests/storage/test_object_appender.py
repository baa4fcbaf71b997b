"""What waits for object storage is bounded: by a second, and by a number of records."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_netmera_kinesis.storage.object_appender import FLUSH_EVERY_SECONDS, UNFLUSHED_RECORDS, ObjectAppender


class SlowStore:
    """A folder that takes an object only when it is let."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self.asked, self.let = threading.Event(), threading.Event()

    def list(self, prefix: str = "") -> Any:
        return iter(())

    def create(self, name: str, data: bytes) -> bool:
        self.asked.set()
        assert self.let.wait(30)
        self.stored.append(data)
        return True


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


def test_the_bounds_are_those_of_the_design() -> None:
    assert (FLUSH_EVERY_SECONDS, UNFLUSHED_RECORDS) == (1.0, 5_000)


def test_the_record_above_the_bound_waits_until_those_before_it_are_stored(store: Any) -> None:
    appender = ObjectAppender(store, "a.log")
    appender.append(b"first", UNFLUSHED_RECORDS)
    appended = threading.Event()

    def append_one_more() -> None:
        appender.append(b"second", 1)
        appended.set()

    thread = threading.Thread(target=append_one_more)
    thread.start()
    assert store.asked.wait(30), "nobody waits for the second to be over"
    assert not appended.wait(0.05)
    store.let.set()
    thread.join()
    appender.close()
    assert store.stored == [b"first", b"second"]


def test_records_up_to_the_bound_wait_for_nobody(store: Any) -> None:
    appender = ObjectAppender(store, "a.log")
    for _ in range(UNFLUSHED_RECORDS // 500):
        appender.append(b"x", 500)
    store.let.set()
    appender.close()
    assert b"".join(store.stored) == b"x" * 10


def test_what_could_not_be_stored_is_told_to_whoever_appends_next(store: Any) -> None:
    def fail(name: str, data: bytes) -> bool:
        raise OSError("the store is gone")

    store.create = fail
    appender = ObjectAppender(store, "a.log")
    appender.append(b"first")
    with pytest.raises(OSError, match="the store is gone"):
        appender.flush()
    with pytest.raises(OSError, match="the store is gone"):
        appender.append(b"second")
    with pytest.raises(OSError, match="the store is gone"):
        appender.close()
