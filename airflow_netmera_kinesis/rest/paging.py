"""Follow the pages of getPushResult: on the same origin only, never in a circle, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from airflow_netmera_kinesis.errors import RestUnavailable
from airflow_netmera_kinesis.rest.client import NetmeraClient

METHOD = "getPushResult"
MAX_PAGES = 20_000
MAX_EMPTY_PAGES = 20  # one after another


class Query(msgspec.Struct, frozen=True):
    """What is asked for: results from ``start_ms`` to ``end_ms``, perhaps of one notification."""

    start_ms: int
    end_ms: int
    page_size: int
    notification_key: str = ""

    def params(self) -> Mapping[str, Any]:
        asked: dict[str, Any] = {"start": self.start_ms, "end": self.end_ms, "max": self.page_size}
        return {"notificationKey": self.notification_key, **asked} if self.notification_key else asked


def pages(client: NetmeraClient, query: Query, max_pages: int = MAX_PAGES) -> Iterator[list[msgspec.Raw]]:
    """Yield the rows of each page; RestError where the chain of pages cannot be followed to its end."""
    url = client.address.url_of(METHOD)
    page = client.page(url, query.params())
    yield page.rows
    been: set[int] = set()
    empty = 0
    while page.next_page:
        url = client.address.follow(url, page.next_page)
        place = hash(_place(url))
        if place in been:
            raise RestUnavailable(
                f"page {len(been) + 1} of Netmera's answer leads back to a page that was read before: a circle"
            )
        been.add(place)
        empty = 0 if page.rows else empty + 1
        if len(been) >= max_pages or empty >= MAX_EMPTY_PAGES:
            raise RestUnavailable(
                f"Netmera's answer has no end: {len(been)} pages were read, the last {empty} without a row. If there "
                f"are so many results, ask for larger pages (page_size) or shorter windows (max_window)"
            )
        page = client.page(url)
        yield page.rows


def _place(url: str) -> str:
    """Return what tells one page of a chain from another: its offset, whatever stands beside it."""
    query = urlsplit(url).query
    return dict(parse_qsl(query)).get("offset") or query
