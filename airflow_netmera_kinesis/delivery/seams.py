"""What delivery needs from others: somebody who carries requests, and somebody who writes down what became of them."""

from __future__ import annotations

from typing import Protocol

from airflow_netmera_kinesis.delivery.order_proof import Break
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer, Outcome
from airflow_netmera_kinesis.delivery.request import Request
from airflow_netmera_kinesis.delivery.shard_map import ShardMap


class Transport(Protocol):
    """Carries requests to Kinesis, several at a time, and brings their outcomes back in any order."""

    def send(self, request: Request) -> None:
        """Start a request."""

    def receive(self, timeout: float) -> tuple[Request, Outcome] | None:
        """The next outcome, or None after ``timeout`` seconds."""

    def renew(self) -> None:
        """Read the credentials again."""

    def shards(self) -> ShardMap:
        """The stream's open shards, or a map that learns where they may not be listed.

        :raises StreamRefused, StreamUnreachable: the stream cannot be asked now
        """


class Journal(Protocol):
    """Writes down what became of records; a key goes on only after its call has returned."""

    def delivered(self, receipts: list[tuple[Entry, EntryAnswer]]) -> None:
        """These entries are stored."""

    def unknown(self, entries: list[Entry]) -> None:
        """The answer to these was lost: perhaps stored, and sent again."""

    def refused(self, entry: Entry, code: str, message: str) -> None:
        """Kinesis will never take this entry.

        :raises QuotaExceeded: written down, and more than is allowed
        """

    def broken(self, entry: Entry, contradiction: Break) -> None:
        """The receipts of this entry's key contradict its order."""
