"""Keep two workers off the same piece of work, with nothing but a store that can create a file if there is none.

A lease is the file ``<name>.<generation>``, stamped by the store's clock. To renew it is to create the next generation
and to delete the last; to take over an expired one is the same. So of two workers that want the same generation one
gets it, and nobody can bring back a lease that was taken over: its holder finds its own generation gone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone

import msgspec

from airflow_netmera_kinesis.errors import LeaseTaken
from airflow_netmera_kinesis.state.process_identity import process_identity, surely_dead
from airflow_netmera_kinesis.storage import FileInfo, Folder

EXPIRY_MS = 45_000
RENEW_EVERY_SECONDS = 10.0
# Longer than this after a renewal a holder asks the store before it goes on: it may have been paused.
SURE_FOR_SECONDS = 25.0
LOOK_EVERY_SECONDS = 1.0
LOOKS = 5


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lease, for the message to whoever finds it taken."""

    who: str
    host: str
    pid: int
    process: str
    since_ms: int
    token: str

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{self.who} (host {self.host}, pid {self.pid}) since {since}"


def _now() -> float:
    """Seconds that go on while the process, or the whole machine, is paused."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """A lease that is held; ``check`` before every step that must not be done twice."""

    def __init__(self, folder: Folder, name: str, holder: Holder, generation: int, renewed: float) -> None:
        self._folder, self._name = folder, name
        self._holder, self._content = holder, msgspec.json.encode(holder)
        self._generation, self._renewed = generation, renewed
        self._lost: LeaseTaken | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        """Raise LeaseTaken if the lease is lost. Asks the store only if the last renewal is too long ago."""
        if self._lost is not None:
            raise self._lost
        if _now() - self._renewed > SURE_FOR_SECONDS:
            self.renew()

    def renew(self) -> None:
        """Move on to the next generation, or raise LeaseTaken."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            started = _now()
            mine, following = self._generation, self._generation + 1
            created = _create(self._folder, self._name, following, self._content)
            found = _generations(self._folder, self._name)
            if not created or mine not in found or set(found) - {mine, following}:
                if created:
                    self._folder.delete(_file(self._name, following))
                self._lost = LeaseTaken(self._loss(found))
                raise self._lost
            self._generation, self._renewed = following, started
            self._folder.delete(_file(self._name, mine))

    def keep(self) -> None:
        """Renew in the background until released."""
        self._thread = threading.Thread(target=self._keep, name=f"lease {self._name}", daemon=True)
        self._thread.start()

    def release(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            name = _file(self._name, self._generation)
            if self._lost is None and _content(self._folder, name) == self._content:
                self._folder.delete(name)

    def _keep(self) -> None:
        while self._lost is None and not self._stop.wait(RENEW_EVERY_SECONDS):
            # The store may answer again the next time; a lease that is lost, or may be, is told by ``check``.
            with suppress(Exception):
                self.renew()

    def _loss(self, found: dict[int, FileInfo]) -> str:
        others = [generation for generation in found if generation != self._generation]
        taker = _holder(self._folder, _file(self._name, max(others))) if others else None
        now = f"it is held by {taker}" if taker else "somebody else held it meanwhile"
        return (
            f"the lease on {self._name} was lost: this process was paused, or cut off from {self._folder.uri}, for so "
            f"long that {now}. Nothing more is done here; run again when the other one has finished"
        )


def acquire(folder: Folder, name: str, who: str, sleep: Callable[[float], object] = time.sleep) -> Lease:
    """Take the lease, waiting for a holder that shows no sign of life to expire; LeaseTaken if it shows one."""
    first: str | None = None
    while True:
        started = _now()
        found = _generations(folder, name)
        living = [info for info in found.values() if not _is_over(folder, info)]
        if not living:
            return _take(folder, name, who, found, started)
        latest = max(info.name for info in living)
        if first is not None and latest != first:
            raise LeaseTaken(_taken(folder, name))
        first = latest
        sleep(LOOK_EVERY_SECONDS)


@contextmanager
def hold(folder: Folder, name: str, who: str) -> Iterator[Lease]:
    """Hold the lease ``name`` while the block runs, renewed in the background; ``who`` tells others what it is for."""
    lease = acquire(folder, name, who)
    lease.keep()
    try:
        yield lease
    finally:
        lease.release()


def holders(folder: Folder, prefix: str) -> list[str]:
    """Tell who holds each lease whose name begins with ``prefix``, now and since when."""
    return [_who_holds(folder, name) for name in held(folder, prefix)]


def held(folder: Folder, prefix: str) -> list[str]:
    """List the names of the leases that begin with ``prefix`` and are held now."""
    living = (info.name for info in folder.list(f"leases/{prefix}") if not _is_over(folder, info))
    return sorted({name.removeprefix("leases/").rpartition(".")[0] for name in living})


def _take(folder: Folder, name: str, who: str, over: dict[int, FileInfo], started: float) -> Lease:
    generation = max(over, default=0) + 1
    holder = Holder(who, socket.gethostname(), os.getpid(), process_identity(), folder.now_ms(), uuid.uuid4().hex)
    if not _create(folder, name, generation, msgspec.json.encode(holder)):
        raise LeaseTaken(_taken(folder, name))
    found = _generations(folder, name)
    others = set(found) - set(over) - {generation}
    if others or generation not in found:
        # Two began at once from different sights of the folder, or this process was paused right here: withdraw.
        folder.delete(_file(name, generation))
        raise LeaseTaken(_taken(folder, name))
    for old in sorted(over):
        folder.delete(_file(name, old))
    return Lease(folder, name, holder, generation, started)


def _create(folder: Folder, name: str, generation: int, content: bytes) -> bool:
    # The same content there already is this very attempt, whose answer was lost on the way.
    file = _file(name, generation)
    return folder.create(file, content) or _content(folder, file) == content


def _generations(folder: Folder, name: str) -> dict[int, FileInfo]:
    begin = f"leases/{name}."
    found = ((info.name.removeprefix(begin), info) for info in folder.list(begin))
    return {int(generation): info for generation, info in found if generation.isdigit()}


def _is_over(folder: Folder, info: FileInfo) -> bool:
    if folder.now_ms() - info.modified_ms > EXPIRY_MS:
        return True
    holder = _holder(folder, info.name)
    return holder is not None and surely_dead(holder.process)


def _taken(folder: Folder, name: str) -> str:
    return (
        f"{name} is held by {_who_holds(folder, name)}. Wait until it has finished, then run again; "
        f"if it was killed, its lease expires within a minute"
    )


def _who_holds(folder: Folder, name: str) -> str:
    """A generation that is gone when it is read was renewed in between: look at the next one."""
    for _ in range(LOOKS):
        found = _generations(folder, name)
        holder = _holder(folder, _file(name, max(found))) if found else None
        if holder:
            return str(holder)
    return "somebody else"


def _holder(folder: Folder, file: str) -> Holder | None:
    content = _content(folder, file)
    try:
        return msgspec.json.decode(content, type=Holder) if content else None
    except msgspec.DecodeError:
        return None


def _content(folder: Folder, file: str) -> bytes | None:
    try:
        return folder.read(file)
    except FileNotFoundError:
        return None


def _file(name: str, generation: int) -> str:
    return f"leases/{name}.{generation:07d}"
