"""A storage under which a process dies: at one step of its work, and everything that it still tries then fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from airflow_netmera_kinesis.storage import Appender, Folder


class Killed(BaseException):
    """What a process that is killed never gets to see; no ``except Exception`` may hold it up."""


class Life:
    """Counts the steps that change something; dies before step ``dies_before``, and stays dead."""

    def __init__(self, dies_before: int) -> None:
        self.steps = 0
        self._dies_before = dies_before

    def step(self) -> None:
        self.steps += 1
        if self.steps >= self._dies_before:
            raise Killed

    @property
    def is_over(self) -> bool:
        return self.steps >= self._dies_before


class MortalFolder:
    """Does what the folder under it does, as long as its user lives. ``ahead_ms`` moves the store's clock on."""

    def __init__(self, folder: Folder, life: Life, ahead_ms: int = 0) -> None:
        self._folder, self._life, self._ahead_ms = folder, life, ahead_ms
        self.uri = folder.uri

    def child(self, name: str) -> MortalFolder:
        return MortalFolder(self._folder.child(name), self._life, self._ahead_ms)

    def write(self, name: str, data: bytes) -> None:
        self._life.step()
        self._folder.write(name, data)

    def create(self, name: str, data: bytes) -> bool:
        self._life.step()
        return self._folder.create(name, data)

    def delete(self, name: str) -> None:
        self._life.step()
        self._folder.delete(name)

    def delete_tree(self, prefix: str) -> None:
        """A tree is not deleted in one step."""
        for info in sorted(self._folder.list(f"{prefix}/"), key=lambda info: info.name):
            self.delete(info.name)
        self._life.step()
        self._folder.delete_tree(prefix)

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        with self._folder.writer(name) as file:
            yield file
            self._life.step()

    def appender(self, name: str, *, in_turn: bool = False) -> MortalAppender:
        return MortalAppender(self._folder.appender(name, in_turn=in_turn), self._life)

    def now_ms(self) -> int:
        return self._folder.now_ms() + self._ahead_ms

    def __getattr__(self, name: str) -> Any:
        if self._life.is_over:
            raise Killed
        return getattr(self._folder, name)


class MortalAppender:
    """Dies in the middle of an entry, and leaves the first half of it."""

    def __init__(self, appender: Appender, life: Life) -> None:
        self._appender, self._life = appender, life

    def append(self, data: bytes, records: int = 1) -> None:
        try:
            self._life.step()
        except Killed:
            self._appender.append(data[: len(data) // 2], records)
            raise
        self._appender.append(data, records)

    def flush(self) -> None:
        if not self._life.is_over:
            self._appender.flush()

    def close(self) -> None:
        self._appender.close()
