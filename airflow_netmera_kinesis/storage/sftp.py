"""Read files on an SFTP server through a paramiko client, which the caller opens with its connection."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.storage.folder import FileInfo
from airflow_netmera_kinesis.storage.remote_file import RemoteFile, buffered
from airflow_netmera_kinesis.storage.server import Server
from airflow_netmera_kinesis.storage.sftp_blocks import Blocks


class SftpConnection(NamedTuple):
    """A paramiko client, and what has opened it: that ends the connection when nobody holds it any more."""

    client: Any
    opened_by: Any

    def close(self) -> None:
        """End the connection, not only its channel."""
        transport = self.client.get_channel().get_transport()
        self.client.close()
        transport.close()


class SftpFolder:
    """A folder of exports. Its server does not tell the time, and nothing is ever written there."""

    def __init__(self, server: Server[SftpConnection], root: str, uri: str) -> None:
        self._server, self._root = server, root.rstrip("/")
        self.uri = uri.rstrip("/")

    def above(self) -> SftpFolder:
        """Return the folder that this one lies in."""
        return SftpFolder(self._server, self._root.rpartition("/")[0], self.uri.rpartition("/")[0])

    def kind(self) -> str:
        """Say whether this is a ``folder``, a ``file``, or nothing that this user can see."""
        try:
            about = self._server.call(lambda connection: connection.client.stat(self._root or "/"))
        except (FileNotFoundError, PermissionError):
            return ""
        return "folder" if stat.S_ISDIR(about.st_mode or 0) else "file"

    def home(self) -> str:
        """Return where the server puts this user."""
        return str(self._server.call(lambda connection: connection.client.normalize(".")))

    def list(self, prefix: str = "") -> Iterator[FileInfo]:
        start, _, _ = prefix.rpartition("/")
        return (info for info in self._walk(start, (self._real_path(""),)) if info.name.startswith(prefix))

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
            start=lambda connection, offset: Blocks(connection.client, path, offset),
        )
        return buffered(file, block_bytes)

    def now_ms(self) -> None:
        return None

    def _walk(self, folder: str, links: tuple[str, ...]) -> Iterator[FileInfo]:
        try:
            found = self._server.call(lambda connection: self._entries(connection.client, folder))
        except FileNotFoundError:
            return
        except PermissionError:
            raise ConfigurationError(f"{self.uri}/{folder}: the user of {self._server.name} may not list it") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{self.uri}/{folder} holds a name that is not UTF-8: rename the file") from None
        yield from found.files
        for name in found.folders:
            yield from self._walk(name, links)
        for name in found.linked_folders:
            real = self._real_path(name)
            if real not in links:  # a link may point back at a folder above
                yield from self._walk(name, (*links, real))

    def _entries(self, client: Any, folder: str) -> _Entries:
        found, to_follow = _Entries([], [], []), []
        for about in client.listdir_iter(self._path(folder)):
            name = f"{folder}/{about.filename}" if folder else about.filename
            if about.filename.startswith("."):
                continue  # hidden: never an export, nor is what lies below
            if stat.S_ISLNK(about.st_mode or 0) or None in (about.st_mode, about.st_size, about.st_mtime):
                to_follow.append(name)
            elif stat.S_ISDIR(about.st_mode):
                found.folders.append(name)
            elif stat.S_ISREG(about.st_mode):
                found.files.append(_file_info(name, about))
        for name in to_follow:
            self._follow(client, name, found)
        return found

    def _follow(self, client: Any, name: str, found: _Entries) -> None:
        try:
            about = client.stat(self._path(name))
        except FileNotFoundError:
            return  # a link to nowhere
        if stat.S_ISDIR(about.st_mode or 0):
            found.linked_folders.append(name)
        else:
            found.files.append(_file_info(name, about))

    def _real_path(self, name: str) -> str:
        return str(self._server.call(lambda connection: connection.client.normalize(self._path(name))))

    def _look(self, connection: SftpConnection, name: str) -> FileInfo:
        about = connection.client.stat(self._path(name))
        if stat.S_ISDIR(about.st_mode or 0):
            raise FileNotFoundError(name)
        return _file_info(name, about)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root or "/"


class _Entries(NamedTuple):
    files: list[FileInfo]
    folders: list[str]
    linked_folders: list[str]


def _file_info(name: str, about: Any) -> FileInfo:
    return FileInfo(name, about.st_size or 0, (about.st_mtime or 0) * 1000)
