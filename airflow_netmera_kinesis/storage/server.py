"""Keep connections to a server of files, and repeat what a lost one has interrupted, a bounded number of times."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from airflow_netmera_kinesis.errors import ExportsUnreachable

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 8.0
# The server answers all right: the file is not there, or not for this user.
_ANSWERS = (FileNotFoundError, PermissionError)

Connection = TypeVar("Connection")
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class Server(Generic[Connection]):
    """Connections to one server, each used by one thing at a time and kept for the next.

    ``connect`` makes one, ``disconnect`` ends it. ``lost`` are the errors by which a lost connection shows itself.
    ``name`` stands in messages.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        disconnect: Callable[[Connection], None],
        lost: tuple[type[Exception], ...],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._connect, self._disconnect, self._lost, self._sleep = connect, disconnect, lost, sleep
        self._idle: list[Connection] = []
        weakref.finalize(self, _end_all, self._idle, disconnect)

    def call(self, do: Callable[[Connection], Result]) -> Result:
        """Do something that is over when it returns; over a new connection, if this one gets lost."""

        def once() -> Result:
            connection = self.take()
            try:
                result = do(connection)
            except _ANSWERS:
                self.give_back(connection)
                raise
            except BaseException:
                self.drop(connection)
                raise
            self.give_back(connection)
            return result

        return self.repeat(once)

    def repeat(self, once: Callable[[], Result]) -> Result:
        """Call again while connections get lost; ExportsUnreachable after the last try."""
        retrying = Retrying(
            retry=retry_if_exception(self.is_lost),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=1, max=LONGEST_PAUSE_SECONDS),
            before_sleep=self._tell,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except Exception as error:
            if not self.is_lost(error):
                raise
            raise ExportsUnreachable(
                f"{self.name} did not answer in {ATTEMPTS} tries ({_told(error)}): the server or the network is away. "
                f"Nothing is lost: the next try goes on"
            ) from error

    def is_lost(self, error: BaseException) -> bool:
        return isinstance(error, self._lost) and not isinstance(error, _ANSWERS)

    def take(self) -> Connection:
        return self._idle.pop() if self._idle else self._connect()

    def give_back(self, connection: Connection) -> None:
        self._idle.append(connection)

    def drop(self, connection: Connection) -> None:
        _end_all([connection], self._disconnect)

    def end(self) -> None:
        """End the connections that nobody uses; else that happens when nobody knows the server any more."""
        _end_all(self._idle, self._disconnect)

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        _log.warning("%s was lost (%s): trying again", self.name, _told(error))


def _told(error: BaseException | None) -> str:
    return str(error).rstrip(" :") or type(error).__name__


def _end_all(connections: list[Connection], disconnect: Callable[[Connection], None]) -> None:
    while connections:
        with suppress(Exception):  # whatever is left of a lost connection cannot be ended politely
            disconnect(connections.pop())
