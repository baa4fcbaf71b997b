"""Log in to an FTP or FTPS server through the ftp provider, which knows the connection's login and its modes."""

from __future__ import annotations

import ftplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.storage.ftp import LOST
from airflow_netmera_kinesis.storage.server import Server

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

ANSWER_SECONDS = 60
# Some servers answer 530, as to a wrong password, when too many are logged in.
_FULL = re.compile(r"too many|maximum|limit", re.IGNORECASE)


def ftp_server(name: str, connection: Connection, *, tls: bool) -> Server[ftplib.FTP]:
    """Return the server of a connection, which is ``name`` in messages; ImportError without the provider."""
    from airflow.providers.ftp.hooks.ftp import FTPHook, FTPSHook

    hook_class: Callable[..., Any] = FTPSHook if tls else FTPHook

    def connect() -> ftplib.FTP:
        hook = hook_class(ftp_conn_id=connection.conn_id)
        with _faults(name), _patience():
            try:
                opened: ftplib.FTP = hook.get_conn()
                if not connection.login:
                    opened.login()  # as anonymous: the hook logs nobody in
            except BaseException:
                if hook.conn:
                    hook.conn.close()
                raise
        opened.timeout = ANSWER_SECONDS
        return opened

    return Server(name, connect, _quit, LOST)


@contextmanager
def _patience() -> Iterator[None]:
    """Give up on a server that takes a connection and then says nothing: the provider's hook would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(ANSWER_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Tell what somebody has to mend from what may be better next time."""
    try:
        yield
    except ftplib.error_perm as error:
        if _FULL.search(str(error)):
            raise ConnectionRefusedError(str(error)) from None
        raise ConfigurationError(f"{name}: the server refuses login or password ({error})") from None
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(f"{name}: the server's certificate is not trusted: {error.verify_message}") from None


def _quit(connection: ftplib.FTP) -> None:
    try:
        if connection.sock:
            connection.putcmd("QUIT")  # and no waiting for the answer: there is nothing to do about it
    finally:
        connection.close()
