"""Carry several requests at a time: a thread each, answers in the order in which they come."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from airflow_netmera_kinesis.delivery.outcome import Lost, Outcome
from airflow_netmera_kinesis.delivery.request import Request
from airflow_netmera_kinesis.delivery.shard_map import ShardMap


class ThreadedTransport:
    """The transport of real requests. ``put`` carries out one and returns its outcome; it is called from threads."""

    def __init__(
        self,
        put: Callable[[Request], Outcome],
        *,
        concurrency: int,
        renew: Callable[[], Callable[[Request], Outcome]],
        shards: Callable[[], ShardMap],
    ) -> None:
        self._put = put
        self._renew = renew
        self.shards = shards
        self._answers: queue.SimpleQueue[tuple[Request, Outcome]] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="put-records")

    def send(self, request: Request) -> None:
        """Start a request."""
        self._threads.submit(self._carry_out, request, self._put)

    def receive(self, timeout: float) -> tuple[Request, Outcome] | None:
        """The next outcome, or None after ``timeout`` seconds."""
        try:
            return self._answers.get(timeout=timeout) if timeout > 0.0 else self._answers.get_nowait()
        except queue.Empty:
            return None

    def renew(self) -> None:
        """Read the credentials again; requests from now on are signed with them."""
        self._put = self._renew()

    def _carry_out(self, request: Request, put: Callable[[Request], Outcome]) -> None:
        try:
            outcome = put(request)
        except Exception as error:  # noqa: BLE001 - whatever it was, an answer must come: perhaps it got through
            outcome = Lost(type(error).__name__, "", bug=error)
        self._answers.put((request, outcome))

    def close(self) -> None:
        """Wait for the requests that are on their way, and end the threads."""
        self._threads.shutdown(wait=True)
