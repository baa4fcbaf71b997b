"""Several requests travel at a time, and every one of them gets an outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_netmera_kinesis.delivery.outcome import Answered, EntryAnswer, Lost, Outcome
from airflow_netmera_kinesis.delivery.request import Request
from airflow_netmera_kinesis.delivery.shard_map import LearnedShardMap
from airflow_netmera_kinesis.delivery.transport import ThreadedTransport

STORED = Answered([EntryAnswer("1", "shardId-000000000000")])
Put = Callable[[Request], Outcome]


@contextmanager
def transport(put: Put, renewed: Put | None = None, concurrency: int = 8) -> Iterator[ThreadedTransport]:
    made = ThreadedTransport(put, concurrency=concurrency, renew=lambda: renewed or put, shards=LearnedShardMap)
    try:
        yield made
    finally:
        made.close()


def request(generation: int = 0) -> Request:
    return Request([], 0, generation)


def test_an_outcome_comes_back_with_its_request() -> None:
    sent = request()
    with transport(lambda asked: STORED) as carrier:
        carrier.send(sent)
        assert carrier.receive(10.0) == (sent, STORED)


@pytest.mark.parametrize("timeout", [0.0, -1.0, 0.001])
def test_no_answer_within_the_timeout_is_none(timeout: float) -> None:
    with transport(lambda asked: STORED) as carrier:
        assert carrier.receive(timeout) is None


def test_whatever_is_raised_on_the_way_an_answer_comes_and_all_is_unknown() -> None:
    bug = ZeroDivisionError("a payload might stand here")

    def breaks(asked: Request) -> Outcome:
        raise bug

    with transport(breaks) as carrier:
        carrier.send(request())
        arrived = carrier.receive(10.0)
        assert arrived is not None
        assert arrived[1] == Lost("ZeroDivisionError", "", bug)


def test_requests_travel_side_by_side_and_the_quick_one_is_answered_first() -> None:
    slow_may_end = threading.Event()

    def put(asked: Request) -> Outcome:
        if asked.generation == 1:
            slow_may_end.wait(10.0)
        return STORED

    with transport(put, concurrency=2) as carrier:
        carrier.send(request(1))
        carrier.send(request(2))
        first = carrier.receive(10.0)
        slow_may_end.set()
        second = carrier.receive(10.0)
    assert first is not None
    assert second is not None
    assert (first[0].generation, second[0].generation) == (2, 1)


def test_after_a_renewal_new_requests_are_signed_anew() -> None:
    signed: list[str] = []

    def by(who: str) -> Put:
        def put(asked: Request) -> Outcome:
            signed.append(who)
            return STORED

        return put

    with transport(by("old"), by("new")) as carrier:
        for _ in range(2):
            carrier.send(request())
            assert carrier.receive(10.0) is not None
            carrier.renew()
    assert signed == ["old", "new"]


def test_closing_waits_for_what_is_on_its_way() -> None:
    answered: list[Request] = []

    def put(asked: Request) -> Outcome:
        answered.append(asked)
        return STORED

    with transport(put, concurrency=1) as carrier:
        for _ in range(20):
            carrier.send(request())
    assert len(answered) == 20
