"""Ask Netmera's REST API for a page, and again with growing pauses while it is only unavailable."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import requests
import tenacity

from airflow_netmera_kinesis.errors import RestUnavailable
from airflow_netmera_kinesis.rest.address import Address
from airflow_netmera_kinesis.rest.answer import Answer, EmptyAnswer, Page, judge

KEY_HEADER = "X-netmera-api-key"
MAX_ANSWER_BYTES = 64 * 1024 * 1024
BLOCK_BYTES = 256 * 1024
TRIES = 6
FIRST_PAUSE_SECONDS = 1.0
# A longer wait than this is Airflow's business: its retry holds no worker.
MAX_PAUSE_SECONDS = 60.0


class Patience(msgspec.Struct, frozen=True):
    """How long an answer may take, in seconds, and how often it is asked for.

    ``whole`` bounds an answer that comes drop by drop, which never lets a single read wait.
    """

    connect: float = 10
    read: float = 60
    whole: float = 300
    tries: int = TRIES


class NetmeraClient:
    """The REST API at one address, with one key. ``now`` are epoch seconds, ``sleep`` waits for some.

    ``empty_answers`` counts the answers without a body that were taken for no results.
    """

    def __init__(
        self,
        session: requests.Session,
        address: Address,
        key: str,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        keep_requests_out_of_logs()
        self.address = address
        self.empty_answers = 0
        self._session, self._key = session, key
        self._now, self._sleep, self._patience = now, sleep, patience

    def page(self, url: str, params: Mapping[str, Any] | None = None) -> Page:
        """Ask for one page; RestError after the last try.

        An empty answer to a page that was asked for by its ``params``, the first of a chain, is asked for once more and
        then taken for what it probably says: no results. In the middle of a chain it is a fault like any other.
        """
        tried = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RestUnavailable),
            stop=lambda state: _is_enough(state, self._patience.tries, is_first=params is not None),
            wait=_pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return tried(self._ask, url, params)
        except EmptyAnswer:
            if params is None:
                raise
            self.empty_answers += 1
            return Page([])

    def _ask(self, url: str, params: Mapping[str, Any] | None) -> Page:
        patience = self._patience
        try:
            with self._session.get(
                url,
                params=params,
                headers={KEY_HEADER: self._key, "Accept": "application/json"},
                auth=_nobody,
                timeout=(patience.connect, patience.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = Answer(response.status_code, response.headers, self._read(response), in_chain=params is None)
        except requests.RequestException as error:
            # Its own text would show the URL.
            raise RestUnavailable(f"no answer from {self.address.base_url}: {_kind_of(error)}") from None
        return judge(answer, self._secrets(url), self._now())

    def _read(self, response: requests.Response) -> bytes:
        body, begun = b"", self._now()
        for block in response.iter_content(BLOCK_BYTES):
            body += block
            if len(body) > MAX_ANSWER_BYTES or self._now() - begun > self._patience.whole:
                raise RestUnavailable(
                    f"an answer of more than {MAX_ANSWER_BYTES >> 20} MiB or {self._patience.whole:.0f} seconds was "
                    f"given up: ask for smaller pages (page_size)"
                )
        return body

    def _secrets(self, url: str) -> list[str]:
        """Return what no message may quote: the key, and what stands in the link to a page."""
        return [self._key, *(value for _, value in parse_qsl(urlsplit(url).query))]


def keep_requests_out_of_logs() -> None:
    """At level DEBUG urllib3 prints the path of every request, with the offset in it."""
    printing = logging.getLogger("urllib3.connectionpool")
    if printing.isEnabledFor(logging.DEBUG):
        printing.setLevel(logging.INFO)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from sending a login that it finds in ``~/.netrc``."""
    return request


def _is_enough(state: tenacity.RetryCallState, tries: int, *, is_first: bool) -> bool:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RestUnavailable) and (error.retry_after or 0) > MAX_PAUSE_SECONDS:
        return True
    if isinstance(error, EmptyAnswer) and is_first:
        tries = min(tries, 2)
    return state.attempt_number >= tries


def _pause(state: tenacity.RetryCallState) -> float:
    """Wait as long as Netmera says, else twice as long as before, scattered so that workers do not come in step."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RestUnavailable) and error.retry_after is not None:
        return error.retry_after
    longest = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (state.attempt_number - 1))
    return longest * random.uniform(0.5, 1)


def _kind_of(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted (SSLError)"
    if isinstance(error, requests.Timeout):
        return f"it takes too long ({type(error).__name__})"
    return f"the connection failed ({type(error).__name__})"
