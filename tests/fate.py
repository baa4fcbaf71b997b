"""A storage under which a process dies, or is paused, right before a step that changes something."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from airflow_netmera_kinesis.storage import Appender, Folder, ObjectFolder
from airflow_netmera_kinesis.storage.object_appender import ObjectAppender

# Longer than any lease lasts without a sign of life.
PAUSE_SECONDS = 60.0


class Fate:
    """Counts the steps of each task, and sends its own process a signal before step ``number`` of ``task``."""

    def __init__(self, task: str, number: int, end: signal.Signals) -> None:
        # Whoever is waited for must not be lost; the threads that are started later keep it blocked, too.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
        self.now = ""
        self._task, self._number, self._signal = task, number, end
        self.steps: Counter[str] = Counter()
        self._slept = 0.0
        self._counting, self._sleeping = threading.Lock(), threading.Lock()

    def step(self) -> None:
        if self.is_due():
            self.end()

    def is_due(self) -> bool:
        """Count a step, and say whether it is the one."""
        with self._counting:
            self.steps[self.now] += 1
            return self.now == self._task and self.steps[self._task] == self._number

    def end(self) -> None:
        """Be killed, or paused for what the clock will then show to have been a minute."""
        with self._sleeping:
            os.kill(os.getpid(), self._signal)
            signal.sigwait({signal.SIGCONT})  # a stop takes effect a little later
            self._slept = PAUSE_SECONDS

    def clock(self, real: Callable[[], float]) -> Callable[[], float]:
        """A clock that stands still with its process and jumps when that is woken up."""

        def now() -> float:
            with self._sleeping:
                return real() + self._slept

        return now


class FatedFolder:
    """Does what the folder under it does, but for what is fated."""

    def __init__(self, folder: Folder, fate: Fate) -> None:
        self._folder, self._fate = folder, fate
        self.uri = folder.uri

    def child(self, name: str) -> FatedFolder:
        return FatedFolder(self._folder.child(name), self._fate)

    def write(self, name: str, data: bytes) -> None:
        self._fate.step()
        self._folder.write(name, data)

    def create(self, name: str, data: bytes) -> bool:
        self._fate.step()
        return self._folder.create(name, data)

    def delete(self, name: str) -> None:
        self._fate.step()
        self._folder.delete(name)

    def delete_tree(self, prefix: str) -> None:
        """A tree is not deleted in one step: here in two, if it holds so much."""
        names = sorted(info.name for info in self._folder.list(f"{prefix}/"))
        for name in names[: len(names) // 2]:
            self.delete(name)
        if names:
            self._fate.step()
            self._folder.delete_tree(prefix)

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        with self._folder.writer(name) as file:
            yield file
            self._fate.step()

    def appender(self, name: str, *, in_turn: bool = False) -> FatedAppender:
        # What is gathered in memory is uploaded through this folder: each upload is a step.
        if isinstance(self._folder, ObjectFolder):
            return FatedAppender(ObjectAppender(self, name, in_turn=in_turn), self._fate)
        return FatedAppender(self._folder.appender(name, in_turn=in_turn), self._fate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)


class FatedAppender:
    """On a local path it dies in the middle of an entry and leaves the first half of it."""

    def __init__(self, appender: Appender, fate: Fate) -> None:
        self._appender, self._fate = appender, fate

    def append(self, data: bytes, records: int = 1) -> None:
        if self._fate.is_due():
            if not isinstance(self._appender, ObjectAppender):
                self._appender.append(data[: len(data) // 2], records)
                data = data[len(data) // 2 :]
            self._fate.end()
        self._appender.append(data, records)

    def flush(self) -> None:
        self._appender.flush()

    def close(self) -> None:
        self._appender.close()


class LaterFolder:
    """A folder whose store's clock stands later than it does."""

    def __init__(self, folder: Folder, ahead_ms: int) -> None:
        self._folder, self._ahead_ms = folder, ahead_ms
        self.uri = folder.uri

    def child(self, name: str) -> LaterFolder:
        return LaterFolder(self._folder.child(name), self._ahead_ms)

    def now_ms(self) -> int:
        return self._folder.now_ms() + self._ahead_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)
