"""Fetch a file from an FTP server, from an offset on, and tell its end from the loss of the connection."""

from __future__ import annotations

import ftplib
import socket
import ssl
from contextlib import suppress

_BLOCK_BYTES = 64 * 1024


class Download:
    """A RETR that is under way. Its data connection just ends, whatever happened: what happened the server says after.

    FileNotFoundError if the server does not hand out the file.
    """

    def __init__(self, connection: ftplib.FTP, path: str, offset: int) -> None:
        self._connection = connection
        self._ended = False
        connection.voidcmd("TYPE I")
        try:
            self._data = _begin(connection, path, offset)
        except ftplib.error_perm as error:
            raise FileNotFoundError(f"{path}: {error}") from None

    def read(self, size: int) -> bytes:
        if self._ended:
            return b""
        block = self._data.recv(min(size, _BLOCK_BYTES))
        if not block:
            self._end()
        return block

    def close(self) -> None:
        """Break off. Servers differ in how they call that, and each says it once."""
        if not self._ended:
            with suppress(ftplib.Error):
                self._end()

    def _end(self) -> None:
        self._ended = True
        if isinstance(self._data, ssl.SSLSocket):
            with suppress(OSError):
                self._data.unwrap()
        self._data.close()
        self._connection.voidresp()


def _begin(connection: ftplib.FTP, path: str, offset: int) -> socket.socket:
    command = f"RETR {path}"
    if not offset:
        return connection.transfercmd(command)
    try:
        return connection.transfercmd(command, rest=offset)
    except ftplib.error_perm:  # not every server can begin in the middle: then what is known comes again
        data = connection.transfercmd(command)
    while offset and (block := data.recv(min(offset, _BLOCK_BYTES))):
        offset -= len(block)
    return data
