"""Read a file on a server from where the reader stands, and go on there after a connection was lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Generic, Protocol, cast

from airflow_netmera_kinesis.errors import ConfigurationError, ExportChanged
from airflow_netmera_kinesis.storage.folder import FileInfo
from airflow_netmera_kinesis.storage.server import Connection, Server

BUFFER_BYTES = 256 * 1024


class Stream(Protocol):
    """A file that is being fetched from some offset on."""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes as soon as there are any, none at the end."""

    def close(self) -> None:
        """Leave the connection ready for what comes next."""


class RemoteFile(io.RawIOBase, Generic[Connection]):
    """The bytes that a file had when it was opened.

    ``look`` describes the file as it is now, ``start`` fetches it from an offset on. After a loss the file must be the
    one that was opened: what is read must not be put together of two. Raises ExportChanged if it is not.
    """

    def __init__(
        self,
        server: Server[Connection],
        where: str,
        look: Callable[[Connection], FileInfo],
        start: Callable[[Connection, int], Stream],
    ) -> None:
        super().__init__()
        self._server, self._where, self._look, self._start = server, where, look, start
        self._opened = server.call(look)
        self._connection: Connection | None = None
        self._stream: Stream | None = None
        self._at = self._stream_at = 0
        self._was_lost = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move on without asking the server: the next read does."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._opened.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read as many bytes as there are by now; each read has all the tries that there are."""
        wanted = min(len(buffer), self._opened.size - self._at)
        if wanted <= 0:
            return 0
        data = self._server.repeat(lambda: self._read(wanted))
        buffer[: len(data)] = data
        self._at = self._stream_at = self._at + len(data)
        return len(data)

    def close(self) -> None:
        """Hand the connection back, unless it was lost."""
        if not self.closed:
            self._let_go()
        super().close()

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream_here().read(size)
            if not data:
                raise ConnectionResetError(f"{self._where} ended after {self._at} of {self._opened.size} bytes")
        except Exception:
            self._lose()
            raise
        return data

    def _stream_here(self) -> Stream:
        if self._stream and self._stream_at == self._at:
            return self._stream
        if self._stream:
            stream, self._stream = self._stream, None
            stream.close()
        if self._connection is None:
            self._connection = self._server.take()
        if self._was_lost:
            self._require_same(self._connection)
        try:
            self._stream = self._start(self._connection, self._at)
        except PermissionError:
            raise ConfigurationError(f"{self._where}: the user of {self._server.name} may not read it") from None
        self._stream_at = self._at
        return self._stream

    def _require_same(self, connection: Connection) -> None:
        try:
            now = self._look(connection)
        except FileNotFoundError:
            raise ExportChanged(f"{self._where} vanished while it was read: start a new run") from None
        if (now.size, now.modified_ms) != (self._opened.size, self._opened.modified_ms):
            raise ExportChanged(f"{self._where} changed while it was read: start a new run, which plans it anew")
        self._was_lost = False

    def _lose(self) -> None:
        connection, self._connection, self._stream = self._connection, None, None
        self._was_lost = True
        if connection is not None:
            self._server.drop(connection)

    def _let_go(self) -> None:
        connection, stream = self._connection, self._stream
        self._connection = self._stream = None
        if connection is None:
            return
        try:
            if stream:
                stream.close()
        except Exception:  # noqa: BLE001 - the file was read: what happens to its connection now is of no interest
            self._server.drop(connection)
        else:
            self._server.give_back(connection)


def buffered(file: RemoteFile[Connection], block_bytes: int) -> BinaryIO:
    """Make it a file like any other."""
    return cast(BinaryIO, io.BufferedReader(file, min(block_bytes, BUFFER_BYTES)))
