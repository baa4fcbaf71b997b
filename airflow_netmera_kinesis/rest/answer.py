"""Judge one answer of Netmera's REST API: a page of results, or an error by what the reader does next.

Netmera's errors come as ``{"code", "error"}``, as RFC 9457's ``{"title", "detail"}``, or as plain text:
https://user.netmera.com/netmera-developer-guide/rest-api/rest-api-error-responses
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from airflow_netmera_kinesis.errors import RestError, RestQuotaSpent, RestRefused, RestUnavailable

SHOWN_CHARACTERS = 200
QUOTA_EXCEEDED = "5022"
INVALID_KEY = "2010"
ADVICE = {
    INVALID_KEY: "check the connection's REST API key (password)",
    "2021": "let Netmera allow the IP addresses of the workers",
    "2022": "let Netmera allow this key to read push results",
}
TRY_AGAIN = (408, 425, 429)
EMPTY = (200, 204)
SHORTEST_SECRET = 5  # whatever is shorter is a number such as max=100
_WHITE_SPACE_AND_CONTROLS = re.compile(r"[\s\x00-\x1f\x7f]+")


class Page(msgspec.Struct, frozen=True):
    """One page of results; ``next_page`` is a link as Netmera wrote it, empty on the last page."""

    rows: list[msgspec.Raw]
    next_page: str = ""


class EmptyAnswer(RestUnavailable):
    """A success without a body."""


class _Body(msgspec.Struct):
    rows: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.field(default=msgspec.UNSET, name="list")
    next_page: str | None = msgspec.field(default=None, name="nextPage")
    code: Any = None
    error: Any = None
    title: Any = None
    detail: Any = None


class Answer(msgspec.Struct, frozen=True):
    """What came over the wire; ``in_chain`` says that the page was asked for by a link of the page before."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    in_chain: bool = False


def judge(answer: Answer, secrets: Iterable[str], now: float) -> Page:
    """Return the page, or raise the RestError that says what to do; no ``secrets`` are in its message."""
    parsed = _parse(answer.body)
    if answer.status == 200 and parsed is not None and not _is_error(parsed) and parsed.rows is not msgspec.UNSET:
        return Page(parsed.rows or [], parsed.next_page or "")
    if answer.status in EMPTY and not answer.body.strip():
        raise EmptyAnswer(f"Netmera answered {answer.status} with an empty body")
    raise _error_of(answer, parsed, secrets, now)


def retry_after_of(headers: Mapping[str, str], now: float) -> float | None:
    """Read how many seconds to wait; the header holds a number or a date."""
    given = headers.get("Retry-After", "").strip()
    if given.isdecimal():
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - now) if given else None
    except (ValueError, OverflowError):
        return None


def _error_of(answer: Answer, parsed: _Body | None, secrets: Iterable[str], now: float) -> RestError:
    status = answer.status
    code, text = _code_and_text(parsed, answer.body)
    says = f"Netmera answered {status}"
    says += f", code {code}" if code else ""
    says += f": {_shown(text, secrets)}" if text else ""
    if code == QUOTA_EXCEEDED:
        return RestQuotaSpent(
            f"{says}. The quota of the REST API is used up: pull less often, with a shorter look_back or larger "
            f"pages, or let Netmera raise it. Nothing is lost: the next pull goes on from here"
        )
    if status in (401, 403) or code == INVALID_KEY:
        return RestRefused(f"{says}; {ADVICE.get(code, ADVICE[INVALID_KEY])}")
    if 300 <= status < 400:
        return RestRefused(
            f"{says}, a redirect, which is not followed since the key would go there: put the API's own address into "
            f"the connection's Base URL (host)"
        )
    if status in TRY_AGAIN or status >= 500:
        return _unavailable(says, retry_after_of(answer.headers, now))
    if status < 300:
        return RestUnavailable(says if code else f"{says}, which is not a page of results")
    if answer.in_chain:
        return RestUnavailable(f"{says}, in the middle of its pages: they are read again from the first one")
    return RestRefused(f"{says}; check the connection's Base URL (host), and the params of the DAG")


def _unavailable(says: str, retry_after: float | None) -> RestUnavailable:
    wait = f" (it asks to wait {retry_after:.0f} s)" if retry_after else ""
    return RestUnavailable(f"{says}{wait}", retry_after)


def _parse(body: bytes) -> _Body | None:
    try:
        body.decode()  # what is skipped while decoding is not checked by itself
        return msgspec.json.decode(body, type=_Body)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None


def _is_error(body: _Body) -> bool:
    return body.rows in (msgspec.UNSET, None) and any((body.code, body.error, body.title, body.detail))


def _code_and_text(parsed: _Body | None, body: bytes) -> tuple[str, str]:
    if parsed is None:
        text = body.decode(errors="replace")
        return "", "" if text.lstrip()[:1] in ("{", "[", "<") else text  # neither half a document nor a web page
    texts = [str(text) for text in (parsed.error, parsed.title, parsed.detail) if text]
    return str(parsed.code or ""), ": ".join(dict.fromkeys(texts))


def _shown(text: str, secrets: Iterable[str]) -> str:
    """Show a text on one line, cut short, without any secret that it quotes."""
    for secret in secrets:
        text = text.replace(secret, "***") if len(secret) >= SHORTEST_SECRET else text
    text = _WHITE_SPACE_AND_CONTROLS.sub(" ", text).strip()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
