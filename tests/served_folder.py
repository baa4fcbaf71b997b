"""A folder on a server of files: written where the server keeps it, read as users read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from file_servers import FileServer

from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.location import open_exports
from airflow_netmera_kinesis.storage import LocalFolder, ReadableFolder


class ServedFolder:
    """Reads anew from the server with each ``open``; ``pauses`` are those between tries, which nobody waits for."""

    def __init__(self, server: FileServer, name: str, conn_id: str) -> None:
        self.server, self.whims = server, server.whims
        self.uri = f"{server.scheme}://{conn_id}@/{name}"
        self.path = server.root / name
        self.path.mkdir()
        self.pauses: list[float] = []
        self._folders: list[Any] = []

    def open(self, below: str = "") -> ReadableFolder:
        return self.place(below).folder

    def place(self, below: str = "") -> ExportPlace:
        """Open what ``below`` names: nothing for the folder itself, a file in it, or a glob."""
        place = open_exports(f"{self.uri}/{below}" if below else self.uri)
        folder: Any = place.folder
        folder._server._sleep = self.pauses.append
        self._folders.append(folder)
        return place

    def leave(self) -> None:
        for folder in self._folders:
            folder._server.end()

    def write(self, name: str, content: bytes, *, at: float | None = None) -> None:
        """Write a file, or replace it; ``at`` is its modification time."""
        LocalFolder(self.path).write(name, content)
        if at is not None:
            os.utime(self.path / name, (at, at))

    def local(self, name: str) -> Path:
        return self.path / name
