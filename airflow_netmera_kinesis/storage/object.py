"""Keep files in object storage through an fsspec filesystem, which the caller has opened with its connection."""

from __future__ import annotations

import builtins
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from io import BytesIO
from typing import Any, BinaryIO, cast

from airflow_netmera_kinesis.storage.folder import FileInfo, segments
from airflow_netmera_kinesis.storage.object_appender import ObjectAppender

# What different filesystems call the time at which a file was last written.
MODIFIED_KEYS = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
UPLOAD_BLOCK_BYTES = 16 * 1024 * 1024
FETCHED_TOGETHER = 16


class ObjectFolder:
    """Any filesystem that fsspec knows; for S3 see ``S3Folder``.

    State needs a store that can write a file only if there is none, as Google Cloud Storage can.
    """

    def __init__(self, fs: Any, root: str, uri: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self.uri = uri.rstrip("/")
        # A listing that is remembered hides what other workers have written since.
        fs.dircache.clear()
        fs.dircache.use_listings_cache = False

    def child(self, name: str) -> ObjectFolder:
        return type(self)(self._fs, self._path(name), f"{self.uri}/{name}")

    def list(self, prefix: str = "") -> Iterator[FileInfo]:
        start, _, _ = prefix.rpartition("/")
        skip = len(self._root.lstrip("/")) + 1
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._path(start) if start else self._root, detail=True)
        except FileNotFoundError:
            return
        for path, about in found.items():
            name = path.lstrip("/")[skip:]
            if name.startswith(prefix) and about["type"] == "file" and not name.endswith("/"):
                yield _file_info(name, about)

    def folders(self) -> builtins.list[str]:
        self._fs.invalidate_cache()
        try:
            found = self._fs.ls(self._root, detail=True)
        except FileNotFoundError:
            return []
        return sorted(about["name"].rstrip("/").rpartition("/")[2] for about in found if about["type"] == "directory")

    def info(self, name: str) -> FileInfo:
        self._fs.invalidate_cache()
        about = self._fs.info(self._path(name))
        if about["type"] != "file":
            raise FileNotFoundError(name)
        return _file_info(name, about)

    def read(self, name: str) -> bytes:
        return bytes(self._fs.cat_file(self._path(name)))

    def read_many(self, names: Iterable[str]) -> Iterator[bytes]:
        wanted = list(names)
        for start in range(0, len(wanted), FETCHED_TOGETHER):
            paths = [self._path(name) for name in wanted[start : start + FETCHED_TOGETHER]]
            contents = self._fs.cat(paths) if len(paths) > 1 else {paths[0]: self._fs.cat_file(paths[0])}
            yield from (contents[path] for path in paths)

    def write(self, name: str, data: bytes) -> None:
        self._fs.pipe_file(self._path(name), data)

    def open(self, name: str, block_bytes: int = 8 * 1024 * 1024) -> BinaryIO:
        self._fs.invalidate_cache()
        return cast(BinaryIO, self._fs.open(self._path(name), "rb", block_size=block_bytes))

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        # Many parts are written side by side: on disk until they are whole, so that none of them is held in memory.
        with tempfile.TemporaryFile() as file:
            yield cast(BinaryIO, file)
            size = file.tell()
            file.seek(0)
            if size <= UPLOAD_BLOCK_BYTES:
                self.write(name, file.read())
            else:
                self._upload(name, cast(BinaryIO, file))

    def create(self, name: str, data: bytes) -> bool:
        try:
            self._fs.pipe_file(self._path(name), data, mode="create")
        except FileExistsError:
            return False
        return True

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def delete_tree(self, prefix: str) -> None:
        self._fs.invalidate_cache()
        with suppress(FileNotFoundError):
            self._fs.rm(self._path(prefix), recursive=True)

    def appender(self, name: str, *, in_turn: bool = False) -> ObjectAppender:
        return ObjectAppender(self, name, in_turn=in_turn)

    def open_appended(self, name: str) -> Iterator[BinaryIO]:
        # A segment holds what was appended within a second: many and small, so fetched several at a time.
        return map(BytesIO, self.read_many(segments(self, name)))

    def now_ms(self) -> int:
        """Ask the store: the time that it gives a file written now."""
        probe = f".clock.{uuid.uuid4().hex}"
        try:
            self.write(probe, b"")
        except OSError:
            # A bucket that may only be read: this machine's clock is the only one left.
            return time.time_ns() // 1_000_000
        try:
            return self.info(probe).modified_ms
        finally:
            self.delete(probe)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _upload(self, name: str, file: BinaryIO) -> None:
        remote = self._fs.open(self._path(name), "wb", block_size=UPLOAD_BLOCK_BYTES)
        try:
            shutil.copyfileobj(file, remote, UPLOAD_BLOCK_BYTES)
            remote.close()
        except BaseException:
            remote.discard()
            remote.closed = True  # else its destructor would finish the upload
            raise


def _file_info(name: str, about: dict[str, Any]) -> FileInfo:
    modified = next((about[key] for key in MODIFIED_KEYS if about.get(key) is not None), 0)
    etag = about.get("ETag") or about.get("etag") or ""
    return FileInfo(name, int(about["size"] or 0), milliseconds(modified), str(etag).strip('"'))


def milliseconds(moment: datetime | str | float) -> int:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    if isinstance(moment, datetime):
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    return round(moment * 1000)
