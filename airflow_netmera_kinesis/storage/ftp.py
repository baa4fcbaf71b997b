"""Read files on an FTP server through connections of ftplib, which the caller opens."""

from __future__ import annotations

import ftplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import BinaryIO

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.storage.folder import FileInfo
from airflow_netmera_kinesis.storage.ftp_dialect import Dialect
from airflow_netmera_kinesis.storage.ftp_download import Download
from airflow_netmera_kinesis.storage.ftp_listing import Entry, Kind
from airflow_netmera_kinesis.storage.remote_file import RemoteFile, buffered
from airflow_netmera_kinesis.storage.server import Server

# How a lost connection shows itself. A 4xx answer may be another one next time, a 5xx will not.
LOST = (OSError, EOFError, ftplib.error_temp, ftplib.error_proto, ftplib.error_reply)
_KINDS = {"folder": Kind.FOLDER, "file": Kind.FILE, "": Kind.OTHER}


class FtpFolder:
    """A folder of exports. Its server does not tell the time, and nothing is ever written there."""

    def __init__(
        self,
        server: Server[ftplib.FTP],
        root: str,
        uri: str,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._server, self._root, self._now = server, root.rstrip("/"), now
        self._dialect = Dialect(now)
        self.uri = uri.rstrip("/")

    def above(self) -> FtpFolder:
        """Return the folder that this one lies in."""
        return FtpFolder(self._server, self._root.rpartition("/")[0], self.uri.rpartition("/")[0], self._now)

    def kind(self) -> str:
        """Say whether this is a ``folder``, a ``file``, or nothing that this user can see."""
        return self._server.call(lambda connection: _kind_of(connection, self._path("")))

    def home(self) -> str:
        """Return where the server puts this user."""
        try:
            return self._server.call(lambda connection: connection.pwd())
        except ftplib.error_perm:
            return "a folder that the server does not name"

    def list(self, prefix: str = "") -> Iterator[FileInfo]:
        start, _, _ = prefix.rpartition("/")
        return (info for info in self._walk(start, ()) if info.name.startswith(prefix))

    def info(self, name: str) -> FileInfo:
        return self._server.call(lambda connection: self._look(connection, name))

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            return file.read()

    def open(self, name: str, block_bytes: int = 8 * 1024 * 1024) -> BinaryIO:
        path = self._path(name)
        file = RemoteFile(
            self._server,
            f"{self.uri}/{name}",
            look=lambda connection: self._look(connection, name),
            start=lambda connection, offset: Download(connection, path, offset),
        )
        return buffered(file, block_bytes)

    def now_ms(self) -> None:
        return None

    def _walk(self, folder: str, above: tuple[Sequence[Entry], ...]) -> Iterator[FileInfo]:
        entries = self._entries(folder)
        if entries in above:
            return  # a link back to a folder above: FTP does not tell where one leads
        for entry in entries:
            if entry.name.startswith("."):
                continue  # hidden: never an export, nor is what lies below
            name = f"{folder}/{entry.name}" if folder else entry.name
            kind = self._kind_of_target(name) if entry.kind is Kind.LINK else entry.kind
            if kind is Kind.FOLDER:
                yield from self._walk(name, (*above, entries))
            elif kind is Kind.FILE:
                yield self.info(name) if entry.kind is Kind.LINK else _file_info(name, entry)

    def _entries(self, folder: str) -> Sequence[Entry]:
        try:
            return self._server.call(lambda connection: self._dialect.entries(connection, self._path(folder)))
        except FileNotFoundError:
            return []
        except PermissionError as error:
            raise ConfigurationError(
                f"{self.uri}/{folder}: the user of {self._server.name} may not list it ({error})"
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"{self.uri}/{folder} holds a name that is not UTF-8: say in the extra 'encoding' of "
                f"{self._server.name} how names are written, such as cp1254"
            ) from None

    def _kind_of_target(self, name: str) -> Kind:
        return _KINDS[self._server.call(lambda connection: _kind_of(connection, self._path(name)))]

    def _look(self, connection: ftplib.FTP, name: str) -> FileInfo:
        entry = self._dialect.entry(connection, self._path(name))
        if entry.kind is not Kind.FILE:
            raise FileNotFoundError(name)
        return _file_info(name, entry)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root or "/"


def _kind_of(connection: ftplib.FTP, path: str) -> str:
    with suppress(ftplib.error_perm):
        connection.cwd(path)
        return "folder"
    with suppress(ftplib.error_perm):
        connection.voidcmd("TYPE I")
        connection.size(path)
        return "file"
    return ""


def _file_info(name: str, entry: Entry) -> FileInfo:
    return FileInfo(name, entry.size, entry.modified_ms, day_only=entry.day_only)
