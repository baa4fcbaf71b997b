"""A getPushResult that behaves as Netmera's: pages behind opaque offsets, late results, and any fault on demand."""

from __future__ import annotations

import base64
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from airflow_netmera_kinesis.rest.address import Address, read_address
from airflow_netmera_kinesis.rest.client import NetmeraClient, Patience

KEY = "rest-api-key-of-acme"
PATH = "/rest/3.0/getPushResult"
Row = dict[str, Any]


class Reply(NamedTuple):
    """One answer; ``failure`` is raised instead where there is no answer at all."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    failure: Exception | None = None


class Result(NamedTuple):
    appears_ms: int
    row: Any


class FakeNetmera:
    """Results by the time at which they appear; ``faults`` are answered first, None among them lets one go well.

    ``page_limit`` is the largest page whatever is asked for. ``meanwhile`` is called after every page.
    """

    def __init__(self, *, newest_first: bool = False, page_limit: int = 1_000) -> None:
        self.results: list[Result] = []
        self.now_ms = 1_788_728_400_000
        self.newest_first, self.page_limit = newest_first, page_limit
        self.faults: deque[Reply | None] = deque()
        self.asked: list[dict[str, str]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.origin = "https://restapi.netmera.com"

    def add(self, *rows: Any, appears_ms: int = 0) -> None:
        self.results += [Result(appears_ms, row) for row in rows]

    def reply(self, url: str, headers: Mapping[str, str]) -> Reply:
        query = dict(parse_qsl(urlsplit(url).query))
        self.asked.append(query)
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            return fault
        if headers.get("X-netmera-api-key") != KEY:
            return error(403, 2010, "API key is invalid")
        if urlsplit(url).path != PATH:
            return Reply(404, b"not here", {"Content-Type": "text/plain"})
        made = self._page(query)
        self.meanwhile()
        return Reply(200, json.dumps(made, ensure_ascii=False).encode(), {"Content-Type": "application/json"})

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        offset = query.get("offset")
        asked: dict[str, Any] = json.loads(base64.urlsafe_b64decode(offset)) if offset else {**query, "at": 0}
        size = min(int(asked.get("max", 10)), self.page_limit)
        rows = self._rows(int(asked["start"]), int(asked["end"]), asked.get("notificationKey"))
        after = asked["at"] + size
        page: dict[str, Any] = {"list": rows[asked["at"] : after]}
        if after < len(rows):
            offset = base64.urlsafe_b64encode(json.dumps({**asked, "at": after}).encode()).decode()
            page["nextPage"] = f"{self.origin}{PATH}?offset={offset}&max={size}"
        return page

    def _rows(self, start: int, end: int, key: str | None) -> list[Row]:
        here = [result.row for result in self.results if result.appears_ms <= self.now_ms]
        dated = [row for row in here if isinstance(row, dict) and isinstance(row.get("timeStamp"), int)]
        odd = [row for row in here if row not in dated]
        found = [row for row in dated if start <= row["timeStamp"] <= end]
        if key is not None:
            found = [row for row in found if row.get("notificationKey", key) == key]
        return [*sorted(found, key=lambda row: row["timeStamp"], reverse=self.newest_first), *odd]


def error(status: int, code: int, text: str, **headers: str) -> Reply:
    return Reply(status, json.dumps({"code": code, "error": text}).encode(), headers)


class InMemory(BaseAdapter):
    """Carries requests of the real client to the fake without a socket."""

    def __init__(self, netmera: FakeNetmera) -> None:
        super().__init__()
        self._netmera = netmera

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        reply = self._netmera.reply(str(request.url), request.headers)
        if reply.failure:
            raise reply.failure
        response = requests.Response()
        response.status_code, response.raw = reply.status, HTTPResponse(BytesIO(reply.body), preload_content=False)
        response.headers, response.request, response.url = CaseInsensitiveDict(reply.headers), request, str(request.url)
        return response

    def close(self) -> None: ...


def address_of(url: str) -> Address:
    faults: list[str] = []
    address = read_address(url, None, faults)
    assert faults == []
    return address


def client_of(netmera: FakeNetmera, waits: list[float] | None = None, **patience: Any) -> NetmeraClient:
    """Return a client that reaches the fake without a socket, and notes its waits instead of waiting."""
    session = requests.Session()
    session.mount(netmera.origin, InMemory(netmera))
    sleep = (lambda _: None) if waits is None else waits.append
    return NetmeraClient(
        session, address_of(netmera.origin), KEY, now=lambda: 0.0, sleep=sleep, patience=Patience(**patience)
    )


@contextmanager
def served(netmera: FakeNetmera) -> Iterator[str]:
    """Serve the fake over HTTP on a free loopback port; its links lead back to it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = netmera.reply(self.path, self.headers)  # type: ignore[arg-type]
            if reply.failure:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        netmera.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield netmera.origin
        finally:
            server.shutdown()
            thread.join()
