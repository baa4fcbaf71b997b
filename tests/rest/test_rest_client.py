"""What becomes of each answer of Netmera's REST API, and of none: tried again with growing pauses, or a clear error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
import requests
from netmera_server import KEY, PATH, FakeNetmera, Reply, address_of, client_of, error, served

from airflow_netmera_kinesis.errors import RestError, RestQuotaSpent, RestRefused, RestUnavailable
from airflow_netmera_kinesis.rest.answer import EmptyAnswer, Page
from airflow_netmera_kinesis.rest.client import TRIES, NetmeraClient, Patience, keep_requests_out_of_logs

PARAMS = {"start": 1, "end": 2, "max": 10}
URL = f"https://restapi.netmera.com{PATH}"
NEXT = f"{URL}?offset=opaque-offset&max=10"
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture
def netmera() -> FakeNetmera:
    return FakeNetmera()


def ask(netmera: FakeNetmera, *faults: Reply | None, waits: list[float] | None = None, link: bool = False) -> Page:
    netmera.faults.extend(faults)
    client = client_of(netmera, waits)
    return client.page(NEXT) if link else client.page(URL, PARAMS)


def gone(kind: type[requests.RequestException]) -> Reply:
    return Reply(failure=kind(f"Max retries exceeded with url: {NEXT}"))


PASSING = {
    "500": error(500, 2001, "Internal server error"),
    "502, a web page": Reply(502, b"<html>Bad Gateway</html>"),
    "503": Reply(503, b"Service Unavailable", TEXT),
    "429": Reply(429, b"slow down", TEXT),
    "408": Reply(408),
    "connection refused": gone(requests.ConnectionError),
    "connect timeout": gone(requests.ConnectTimeout),
    "read timeout": gone(requests.ReadTimeout),
    "cut in mid-answer": gone(requests.exceptions.ChunkedEncodingError),
    "200, half a document": Reply(200, b'{"list": [{"platform": "IOS"'),
    "200, not UTF-8": Reply(200, b'{"list": [{"msgText": "\xff"}]}'),
    "200, plain text": Reply(200, b"please try again", TEXT),
    "200, a list": Reply(200, b"[]"),
    "200, no list": Reply(200, b"{}"),
    "200, an error": error(200, 2001, "Internal server error"),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again_with_growing_pauses(netmera: FakeNetmera, fault: Reply) -> None:
    waits: list[float] = []
    assert ask(netmera, fault, fault, fault, waits=waits) == Page([])
    assert len(netmera.asked) == 4
    assert [0.5 <= waits[0] <= 1, 1 <= waits[1] <= 2, 2 <= waits[2] <= 4] == [True] * 3


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_is_an_error_that_shows_neither_key_nor_offset(netmera: FakeNetmera, fault: Reply) -> None:
    with pytest.raises(RestUnavailable) as unavailable:
        ask(netmera, *[fault] * TRIES, link=True)
    assert len(netmera.asked) == TRIES
    assert "Netmera answered" in str(unavailable.value) or "no answer from https://restapi" in str(unavailable.value)
    assert not any(secret in str(unavailable.value) for secret in (KEY, "opaque-offset", "<html>"))


FINAL = {
    "invalid key": (error(403, 2010, "API key is invalid"), RestRefused,
                    "Netmera answered 403, code 2010: API key is invalid; check the connection's REST API key"),
    "invalid key, 400": (error(400, 2010, "API key is invalid"), RestRefused, "check the connection's REST API key"),
    "401": (Reply(401), RestRefused, "Netmera answered 401; check the connection's REST API key"),
    "403, RFC 9457": (Reply(403, b'{"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "No right"}'),
                      RestRefused, "Netmera answered 403: Forbidden: No right; check the connection's REST API key"),
    "address": (error(403, 2021, "Your IP is not allowed"), RestRefused, "let Netmera allow the IP addresses"),
    "right": (error(403, 2022, "You are not authorized to do this action"), RestRefused, "allow this key to read"),
    "quota": (error(400, 5022, "Quota exceeded"), RestQuotaSpent,
              "Netmera answered 400, code 5022: Quota exceeded. The quota of the REST API is used up: pull less often"),
    "quota, 200": (error(200, 5022, "Quota exceeded"), RestQuotaSpent, "code 5022: Quota exceeded"),
    "parameter": (error(400, 2004, "Invalid date"), RestRefused,
                  "Netmera answered 400, code 2004: Invalid date; check the connection's Base URL (host), and the"),
    "404": (Reply(404, b"<html></html>"), RestRefused, "Netmera answered 404; check the connection's Base URL (host)"),
    "redirect": (Reply(302, b"", {"Location": "https://evil.example"}), RestRefused, "302, a redirect, which is not"),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "kind", "says"), FINAL.values(), ids=FINAL)
def test_what_somebody_has_to_mend_is_asked_for_once_and_told_with_netmeras_code_and_text(
    netmera: FakeNetmera, fault: Reply, kind: type[RestError], says: str
) -> None:
    waits: list[float] = []
    with pytest.raises(kind) as refused:
        ask(netmera, fault, waits=waits)
    assert says in str(refused.value)
    assert (len(netmera.asked), waits) == (1, [])


def test_a_request_error_in_the_middle_of_the_pages_is_left_to_another_try_from_the_first_one(
    netmera: FakeNetmera,
) -> None:
    expired = error(400, 2004, "offset expired")
    with pytest.raises(RestUnavailable, match="in the middle of its pages: they are read again from the first one"):
        ask(netmera, *[expired] * TRIES, link=True)


def test_an_empty_body_on_the_first_page_is_asked_for_once_more_and_then_taken_for_no_results(
    netmera: FakeNetmera,
) -> None:
    netmera.faults.extend([Reply(200), Reply(204)])
    client = client_of(netmera)
    assert client.page(URL, PARAMS) == Page([])
    assert client.empty_answers == 1
    assert len(netmera.asked) == 2
    assert ask(netmera, Reply(200, b" \r\n")) == Page([])


def test_an_empty_body_in_the_middle_is_a_fault(netmera: FakeNetmera) -> None:
    with pytest.raises(EmptyAnswer, match="Netmera answered 200 with an empty body"):
        ask(netmera, *[Reply(200)] * TRIES, link=True)
    assert len(netmera.asked) == TRIES


@pytest.mark.parametrize("asked", ["7", formatdate(7, usegmt=True)])
def test_netmera_says_how_long_to_wait(netmera: FakeNetmera, asked: str) -> None:
    waits: list[float] = []
    ask(netmera, Reply(429, b"", {"Retry-After": asked}), waits=waits)
    assert waits == [7.0]


def test_a_wait_of_minutes_is_left_to_airflows_retry(netmera: FakeNetmera) -> None:
    waits: list[float] = []
    with pytest.raises(RestUnavailable, match=r"Netmera answered 429 \(it asks to wait 600 s\)"):
        ask(netmera, Reply(429, b"", {"Retry-After": "600"}), waits=waits)
    assert waits == []


def test_a_wait_that_cannot_be_read_is_none(netmera: FakeNetmera) -> None:
    waits: list[float] = []
    ask(netmera, Reply(429, b"", {"Retry-After": "soon"}), waits=waits)
    assert 0.5 <= waits[0] <= 1


def test_what_netmera_says_is_shown_on_one_short_line_without_the_key_and_the_offset(netmera: FakeNetmera) -> None:
    text = f"no such key: {KEY}\n\x1b[31m offset opaque-offset {'x' * 500}"
    with pytest.raises(RestRefused) as refused:
        ask(netmera, error(401, 2010, text), link=True)
    says = str(refused.value)
    assert "code 2010: no such key: *** [31m offset *** xxx" in says
    assert len(says) < 350
    assert "\n" not in says


def test_no_error_leads_back_to_one_that_shows_the_url(netmera: FakeNetmera) -> None:
    with pytest.raises(RestUnavailable) as unavailable:
        ask(netmera, *[gone(requests.ConnectionError)] * TRIES, link=True)
    assert unavailable.value.__suppress_context__


def test_a_login_in_netrc_is_not_sent(netmera: FakeNetmera, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine restapi.netmera.com login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: list[Any] = []
    reply = netmera.reply

    def noting(url: str, headers: Any) -> Reply:
        seen.append(headers)
        return reply(url, headers)

    monkeypatch.setattr(netmera, "reply", noting)
    ask(netmera)
    assert "Authorization" not in seen[0]
    assert seen[0]["X-netmera-api-key"] == KEY


def test_an_answer_without_end_is_given_up(netmera: FakeNetmera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_netmera_kinesis.rest.client.MAX_ANSWER_BYTES", 1_000)
    with pytest.raises(RestUnavailable, match=r"ask for smaller pages \(page_size\)"):
        ask(netmera, *[Reply(200, b" " * 1_001)] * TRIES)


@pytest.fixture
def over_http(netmera: FakeNetmera) -> Iterator[NetmeraClient]:
    with served(netmera) as url, requests.Session() as session:
        patience = Patience(connect=10, read=10, tries=2)
        yield NetmeraClient(session, address_of(url), KEY, now=lambda: 0.0, sleep=lambda _: None, patience=patience)


def test_it_is_the_same_over_a_socket(netmera: FakeNetmera, over_http: NetmeraClient) -> None:
    row = {"platform": "IOS", "timeStamp": 2, "msgTitle": "Sepetin seni bekliyor"}
    netmera.add(row)
    netmera.faults.extend([Reply(failure=OSError("hang up"))])
    page = over_http.page(over_http.address.url_of("getPushResult"), PARAMS)
    assert [json.loads(bytes(raw)) for raw in page.rows] == [row]
    assert netmera.asked == [{"start": "1", "end": "2", "max": "10"}] * 2


def test_a_redirect_is_not_followed_over_a_socket(netmera: FakeNetmera, over_http: NetmeraClient) -> None:
    netmera.faults.append(Reply(307, b"", {"Location": f"{netmera.origin}/elsewhere"}))
    with pytest.raises(RestRefused, match="a redirect"):
        over_http.page(over_http.address.url_of("getPushResult"), PARAMS)
    assert len(netmera.asked) == 1


def test_urllib3_does_not_print_requests_at_level_debug() -> None:
    printing = logging.getLogger("urllib3.connectionpool")
    before = printing.level
    try:
        printing.setLevel(logging.DEBUG)
        keep_requests_out_of_logs()
        assert not printing.isEnabledFor(logging.DEBUG)
    finally:
        printing.setLevel(before)
