"""Share one connector among the streams of a send task, and read the connection again when its credentials are refused.

A key that was changed in Airflow or in a secrets backend so takes effect in a running task, for all of its streams.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.errors import CredentialsRefused
from airflow_netmera_kinesis.log import Log

Answer = TypeVar("Answer")


class Connector(Protocol):
    """What a connection gives: where to, and clients that sign with its keys.

    ``fingerprint`` tells a connection from a changed one.
    """

    @property
    def settings(self) -> ConnectorSettings: ...

    @property
    def fingerprint(self) -> str: ...

    def get_conn(self) -> Any: ...

    def put_records_client(self, connections: int) -> Any: ...


class Renewal:
    """The connector of a task; ``connect`` reads the connection, ``check`` says whether the task may go on with it."""

    def __init__(self, connect: Callable[[], Connector], check: Callable[[Connector], None], log: Log) -> None:
        self._connect, self._check, self._log = connect, check, log
        self._lock = threading.Lock()
        self.current = connect()
        check(self.current)

    def renew(self, refused: Connector) -> Connector:
        """Return what is to be used instead of a connector whose credentials were refused.

        Whoever comes first reads the connection; the others, refused with the same credentials, get what it found.
        """
        with self._lock:
            if self.current is refused:
                self._log.warning("AWS refused the credentials of the connection; reading the connection again")
                fresh = self._connect()
                self._check(fresh)
                changed = "has changed" if fresh.fingerprint != refused.fingerprint else "is as it was"
                self._log.warning("the connection %s; trying again with %s", changed, fresh.settings.identity)
                self.current = fresh
            return self.current

    def ask(self, question: Callable[[Connector], Answer]) -> Answer:
        """Ask something with the present credentials; if they are refused, once more with the connection read again."""
        connector = self.current
        try:
            return question(connector)
        except CredentialsRefused:
            return question(self.renew(connector))
