"""Keep files on a local or mounted path so that a killed process leaves each of them whole or absent."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from airflow_netmera_kinesis.storage.folder import FileInfo, next_segment, segment_name, segments

SYNC_EVERY_SECONDS = 1.0

# A file under construction is ".name.<random>.wip": hidden from the listing, and from everybody's glob.
UNFINISHED = ".wip"


class LocalFolder:
    """A folder on a path that all workers see."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.uri = str(path)

    def child(self, name: str) -> LocalFolder:
        return LocalFolder(self.path / name)

    def list(self, prefix: str = "") -> Iterator[FileInfo]:
        start, _, _ = prefix.rpartition("/")
        for found in _walk(self.path / start, f"{start}/" if start else "", set()):
            if found.name.startswith(prefix):
                yield found

    def folders(self) -> builtins.list[str]:
        try:
            return sorted(found.name for found in self.path.iterdir() if found.is_dir())
        except FileNotFoundError:
            return []

    def info(self, name: str) -> FileInfo:
        return _file_info(name, (self.path / name).stat())

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def read_many(self, names: Iterable[str]) -> Iterator[bytes]:
        return map(self.read, names)

    def write(self, name: str, data: bytes) -> None:
        with self.writer(name) as file:
            file.write(data)

    def open(self, name: str, block_bytes: int = 8 * 1024 * 1024) -> BinaryIO:
        return (self.path / name).open("rb", buffering=min(block_bytes, 256 * 1024))

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        path = self.path / name
        with _beside(path) as (unfinished, file):
            yield file
            _sync(file)
            unfinished.replace(path)
        _sync_folder(path.parent)

    def create(self, name: str, data: bytes) -> bool:
        path = self.path / name
        if path.exists():
            return False
        with _beside(path) as (unfinished, file):
            file.write(data)
            _sync(file)
            try:
                # A hard link is the one way to make a whole file appear only if there is none.
                os.link(unfinished, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                    raise
                return _create_without_links(path, data)
        _sync_folder(path.parent)
        return True

    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def delete_tree(self, prefix: str) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path / prefix)

    def appender(self, name: str, *, in_turn: bool = False) -> LocalAppender:
        return LocalAppender(self, name, in_turn=in_turn)

    def open_appended(self, name: str) -> Iterator[BinaryIO]:
        for segment in segments(self, name):
            with self.open(segment) as file:
                yield file

    def now_ms(self) -> int:
        """Ask the file system, whose clock may be another machine's: the time that it gives a file made now."""
        probe = self.path / f".clock.{uuid.uuid4().hex}{UNFINISHED}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe.touch()
            try:
                return probe.stat().st_mtime_ns // 1_000_000
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
                raise
            # A folder that may only be read: this machine's clock is the only one left.
            return time.time_ns() // 1_000_000


class LocalAppender:
    """One segment of an appended file, made at the first entry, or at once if it has to stand before later ones.

    It goes again if nothing was appended.
    """

    def __init__(self, folder: LocalFolder, name: str, *, in_turn: bool = False) -> None:
        self._folder = folder
        self._name = name
        self._fd: int | None = None
        self._synced = 0.0
        self._empty: Path | None = None
        if in_turn:
            self._begin()

    def append(self, data: bytes, records: int = 1) -> None:
        fd = self._fd if self._fd is not None else self._begin()
        self._empty = None
        try:
            written = os.write(fd, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._name)
        except OSError:
            # What follows a torn entry cannot be read: the next entry begins a segment of its own.
            self.close()
            raise
        now = time.monotonic()
        if now - self._synced >= SYNC_EVERY_SECONDS:
            os.fdatasync(fd)
            self._synced = now

    def flush(self) -> None:
        if self._fd is not None:
            os.fdatasync(self._fd)

    def close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)
        if self._empty is not None:
            self._empty.unlink(missing_ok=True)

    def _begin(self) -> int:
        number = next_segment(self._folder, self._name)
        while True:
            path = self._folder.path / segment_name(self._name, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
            except FileExistsError:
                number += 1
            else:
                _sync_folder(path.parent)
                self._synced, self._empty = time.monotonic(), path
                return self._fd


def _walk(folder: Path, prefix: str, seen: set[tuple[int, int]]) -> Iterator[FileInfo]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            # An entry may vanish between being listed and being looked at.
            with suppress(FileNotFoundError):
                if entry.is_dir():
                    about = entry.stat()
                    if (about.st_dev, about.st_ino) not in seen:  # a link may point back at a folder above
                        yield from _walk(
                            folder / entry.name, f"{prefix}{entry.name}/", seen | {(about.st_dev, about.st_ino)}
                        )
                elif not entry.name.endswith(UNFINISHED):
                    yield _file_info(prefix + entry.name, entry.stat())


def _file_info(name: str, about: os.stat_result) -> FileInfo:
    return FileInfo(name, about.st_size, about.st_mtime_ns // 1_000_000)


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a file under construction beside ``path``; it is gone when the block ends, unless it was renamed."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}{UNFINISHED}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("xb") as file:
            yield unfinished, cast(BinaryIO, file)
    finally:
        unfinished.unlink(missing_ok=True)


def _create_without_links(path: Path, data: bytes) -> bool:
    """Create on a mount that knows no hard links: exclusive still, though a reader may see it half written."""
    try:
        with path.open("xb") as file:
            file.write(data)
            _sync(cast(BinaryIO, file))
    except FileExistsError:
        return False
    return True


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some mounts know no fsync of a folder
            os.fsync(fd)
    finally:
        os.close(fd)
