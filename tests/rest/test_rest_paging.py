"""A chain of pages is followed to its end, wherever that is, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from netmera_server import PATH, FakeNetmera, Reply, client_of

from airflow_netmera_kinesis.errors import RestRefused, RestUnavailable
from airflow_netmera_kinesis.rest.paging import MAX_EMPTY_PAGES, Query, pages

DAY = Query(0, 86_400_000, page_size=100)


def page(*rows: Any, offset: str | None = None, more: str = "") -> Reply:
    body: dict[str, Any] = {"list": list(rows)}
    if offset is not None:
        body["nextPage"] = f"https://restapi.netmera.com{PATH}?offset={offset}&max=10{more}"
    return Reply(200, json.dumps(body).encode())


def read(netmera: FakeNetmera, *replies: Reply, **limits: int) -> list[list[Any]]:
    netmera.faults.extend(replies)
    return [[json.loads(bytes(raw)) for raw in rows] for rows in pages(client_of(netmera), DAY, **limits)]


def test_all_pages_are_read_with_what_was_asked_for() -> None:
    netmera = FakeNetmera(page_limit=10)
    rows = [{"timeStamp": number} for number in range(25)]
    netmera.add(*rows)
    found = read(netmera)
    assert [len(each) for each in found] == [10, 10, 5]
    assert [row for each in found for row in each] == rows
    assert netmera.asked[0] == {"start": "0", "end": "86400000", "max": "100"}
    assert {tuple(asked) for asked in netmera.asked[1:]} == {("offset", "max")}


def test_one_notification_may_be_asked_for() -> None:
    netmera = FakeNetmera()
    list(pages(client_of(netmera), Query(0, 1, 100, "2345")))
    assert netmera.asked == [{"notificationKey": "2345", "start": "0", "end": "1", "max": "100"}]


@pytest.mark.parametrize("end", [b'{"list": []}', b'{"list": null, "nextPage": null}', b'{"list": [], "nextPage": ""}'])
def test_the_last_page_has_no_next_one(end: bytes) -> None:
    assert read(FakeNetmera(), page(1, offset="a"), Reply(200, end)) == [[1], []]


def test_a_link_to_another_place_ends_the_reading() -> None:
    elsewhere = Reply(200, b'{"list": [1], "nextPage": "https://evil.example/rest/3.0/getPushResult?offset=a"}')
    netmera = FakeNetmera()
    with pytest.raises(RestRefused, match=r"leads to https://evil\.example:443"):
        read(netmera, elsewhere)
    assert len(netmera.asked) == 1


def test_an_offset_that_comes_twice_is_a_circle_whatever_stands_beside_it() -> None:
    with pytest.raises(RestUnavailable, match="page 3 of Netmera's answer leads back to a page that was read before"):
        read(FakeNetmera(), page(1, offset="a"), page(2, offset="b"), page(3, offset="a", more="&x=1"))


def test_empty_pages_without_end_are_noticed() -> None:
    empty = [page(offset=f"o{number}") for number in range(MAX_EMPTY_PAGES + 5)]
    with pytest.raises(RestUnavailable, match=f"has no end: .* the last {MAX_EMPTY_PAGES} without a row"):
        read(FakeNetmera(), *empty)


def test_some_empty_pages_between_others_are_nothing_to_worry_about() -> None:
    replies = [page(1, offset="a"), page(offset="b"), page(offset="c"), page(2, offset="d"), page(offset="e"), page(3)]
    assert read(FakeNetmera(), *replies) == [[1], [], [], [2], [], [3]]


def test_pages_without_end_are_noticed() -> None:
    endless = [page(number, offset=f"o{number}") for number in range(10)]
    with pytest.raises(RestUnavailable, match=r"5 pages were read, .* ask for larger pages"):
        read(FakeNetmera(), *endless, max_pages=5)
