"""Keep files in S3, with one request for each step and S3's own way to write a file only if there is none."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_netmera_kinesis.storage.folder import FileInfo
from airflow_netmera_kinesis.storage.object import FETCHED_TOGETHER, ObjectFolder, milliseconds


class S3Folder(ObjectFolder):
    """A prefix in a bucket, through an s3fs filesystem."""

    def __init__(self, fs: Any, root: str, uri: str) -> None:
        super().__init__(fs, root, uri)
        self._bucket, self._key, _ = fs.split_path(self._root)
        # Newer versions ask for an object's size before they read it, unless they are told to read it in one piece.
        cuts = "max_concurrency" in inspect.signature(type(fs)._cat_file).parameters  # noqa: SLF001 - it has no public form
        self._whole = {"max_concurrency": 1} if cuts else {}

    def list(self, prefix: str = "") -> Iterator[FileInfo]:
        above = f"{self._key}/" if self._key else ""
        asked = {"Bucket": self._bucket, "Prefix": f"{above}{prefix}"}
        while True:
            page = self._ask("list_objects_v2", **asked)
            for about in page.get("Contents", ()):
                # A key that ends in a slash is what the console makes to show an empty folder.
                if not about["Key"].endswith("/"):
                    yield FileInfo(
                        about["Key"][len(above) :],
                        about["Size"],
                        milliseconds(about["LastModified"]),
                        about["ETag"].strip('"'),
                    )
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def folders(self) -> builtins.list[str]:
        above = f"{self._key}/" if self._key else ""
        asked = {"Bucket": self._bucket, "Prefix": above, "Delimiter": "/"}
        found: builtins.list[str] = []
        while True:
            page = self._ask("list_objects_v2", **asked)
            found += [about["Prefix"][len(above) : -1] for about in page.get("CommonPrefixes", ())]
            if not page.get("IsTruncated"):
                return found
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def info(self, name: str) -> FileInfo:
        about = self._ask("head_object", **self._object(name))
        return FileInfo(name, about["ContentLength"], milliseconds(about["LastModified"]), about["ETag"].strip('"'))

    def read(self, name: str) -> bytes:
        with self._named():
            return bytes(self._fs.cat_file(self._path(name), **self._whole))

    def read_many(self, names: Iterable[str]) -> Iterator[bytes]:
        paths = [self._path(name) for name in names]
        for start in range(0, len(paths), FETCHED_TOGETHER):
            wanted = paths[start : start + FETCHED_TOGETHER]
            with self._named():
                contents = self._fs.cat(wanted, **self._whole)
            # One path alone comes back as its content.
            yield from (contents[path] for path in wanted) if isinstance(contents, dict) else (contents,)

    def create(self, name: str, data: bytes) -> bool:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        while True:
            try:
                self._ask("put_object", **self._object(name), Body=data, IfNoneMatch="*")
            except OSError as error:
                code = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
                if isinstance(error, FileExistsError) or code in ("PreconditionFailed", "412"):
                    return False
                if code in ("ConditionalRequestConflict", "409"):
                    continue  # somebody else creates it at this very moment: look again
                raise
            return True

    def delete_tree(self, prefix: str) -> None:
        paths = [self._path(info.name) for info in self.list(f"{prefix}/")]
        if paths:
            self._fs.rm(paths)

    def now_ms(self) -> int:
        """Read the date of an answer."""
        answer = self._ask("list_objects_v2", Bucket=self._bucket, Prefix=f"{self._key}/clock", MaxKeys=1)
        return milliseconds(parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]))

    def write(self, name: str, data: bytes) -> None:
        with self._named():
            super().write(name, data)

    def _ask(self, method: str, **arguments: Any) -> Any:
        with self._named():
            return self._fs.call_s3(method, **arguments)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say where it was: S3 itself says no more than "Access Denied" or that a bucket does not exist."""
        try:
            yield
        except (PermissionError, FileNotFoundError) as error:
            raise type(error)(f"{self.uri}: {error}") from error

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._key}/{name}" if self._key else name}
