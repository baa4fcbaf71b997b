"""Object storage of any kind that fsspec knows, as gs:// and abfs:// are; S3 is tested with all the other folders."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_netmera_kinesis.storage import ObjectFolder


class ReadOnly(MemoryFileSystem):  # type: ignore[misc]
    def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
        raise PermissionError(path)


def bucket(kind: type[MemoryFileSystem] = MemoryFileSystem) -> ObjectFolder:
    root = f"/bucket/{uuid.uuid4().hex}"
    return ObjectFolder(kind(skip_instance_cache=True), root, f"gs:/{root}")


def test_exports_are_listed_described_and_read() -> None:
    folder = bucket()
    folder.write("2026/a.csv", b"12345")
    folder.write("b.csv", b"")
    assert {(info.name, info.size) for info in folder.list()} == {("2026/a.csv", 5), ("b.csv", 0)}
    assert [info.name for info in folder.list("2026/")] == ["2026/a.csv"]
    assert abs(folder.info("b.csv").modified_ms - time.time() * 1000) < 60_000
    assert folder.read("2026/a.csv") == b"12345"
    with folder.open("2026/a.csv") as file:
        file.seek(3)
        assert file.read() == b"45"
    for call in (folder.info, folder.read):
        with pytest.raises(FileNotFoundError):
            call("nobody.csv")


def test_a_store_tells_the_time_by_what_is_written_and_a_bucket_that_may_only_be_read_by_the_machines_clock() -> None:
    for kind in (MemoryFileSystem, ReadOnly):
        folder = bucket(kind)
        assert abs(folder.now_ms() - time.time() * 1000) < 60_000
        assert list(folder.list()) == []
