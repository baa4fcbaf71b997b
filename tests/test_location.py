from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.location import (
    open_exports,
    open_folder,
    read_document,
    refuse_inside,
    refuse_unwritable,
)
from airflow_netmera_kinesis.storage import LocalFolder, S3Folder


@pytest.fixture
def s3_connection(s3: Any, aws_connection: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An Airflow connection to the moto server; returns the bucket's URI with it."""
    monkeypatch.setenv("AIRFLOW_CONN_LOCATION_TEST", aws_connection)
    assert s3.exists("exports-and-state")
    return "s3://location_test@exports-and-state"


def names(uri: str) -> list[str]:
    return sorted(info.name for info in open_exports(uri).files())


def test_a_path_is_local_with_or_without_its_scheme(tmp_path: Path) -> None:
    for uri in (f"{tmp_path}", f"{tmp_path}/", f"file://{tmp_path}"):
        folder = open_folder(uri)
        assert isinstance(folder, LocalFolder)
        folder.write("a", b"1")
        assert (tmp_path / "a").read_bytes() == b"1"


@pytest.mark.parametrize("uri", ["exports", "./exports", "~/exports", ""])
def test_a_path_that_depends_on_where_a_worker_runs_is_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"staging is .*; allowed: an absolute path, or a URI such as s3://"):
        open_folder(uri, "staging")


@pytest.mark.parametrize("uri", ["*.ndjson", "exports/*.ndjson", "./*/a.ndjson", "~/exports/*"])
def test_a_glob_that_depends_on_where_a_worker_runs_is_refused_whole(uri: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_exports(uri)
    assert str(refused.value).startswith(f"exports is {uri!r}; allowed: an absolute path, or a URI")


@pytest.mark.parametrize("uri", ["hooks.yaml", "config/hooks.yaml", "./hooks.yaml", "s3://hooks.yaml"])
def test_a_document_is_named_by_its_whole_path(uri: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_document(uri, "hooks")
    assert str(refused.value).startswith(f"hooks is {uri!r}; allowed: an absolute path, or a URI")


def test_a_scheme_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="state is 'nfs://server/state'"):
        open_folder("nfs://server/state", "state")


def test_s3_is_opened_with_the_airflow_connection_in_the_uri(s3_connection: str) -> None:
    folder = open_folder(f"{s3_connection}/location/folder/", "state")
    assert isinstance(folder, S3Folder)
    folder.write("a/b", b"1")
    assert folder.create("c", b"2")
    assert not folder.create("c", b"3")
    assert sorted(info.name for info in open_folder(f"{s3_connection}/location/folder").list()) == ["a/b", "c"]
    assert read_document(f"{s3_connection}/location/folder/c", "hooks") == b"2"


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_exports_are_a_folder_a_glob_or_one_file(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    root = str(tmp_path) if kind == "local" else f"{request.getfixturevalue('s3_connection')}/{tmp_path.name}"
    for name in ("a.csv", "b.csv", "2026/c.csv"):
        open_folder(root).write(name, b"x")
    assert names(root) == names(f"{root}/") == ["2026/c.csv", "a.csv", "b.csv"]
    assert names(f"{root}/*.csv") == ["a.csv", "b.csv"]
    assert names(f"{root}/**/c*") == ["2026/c.csv"]
    assert names(f"{root}/2026/*") == ["c.csv"]
    assert names(f"{root}/a.csv") == ["a.csv"]
    assert names(f"{root}/2026") == ["c.csv"]


def test_a_local_folder_that_is_not_there_is_refused_rather_than_empty_for_ever(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"exports is .*: this worker finds neither a folder nor a file there"):
        open_exports(f"{tmp_path}/exprots")


def test_a_bucket_that_is_not_there_is_an_error_rather_than_empty_for_ever(s3_connection: str) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-bucket/exports: The specified bucket does not exist"):
        names(f"{s3_connection.replace('exports-and-state', 'no-such-bucket')}/exports")


def test_a_document_that_is_not_there_is_refused_by_its_setting(tmp_path: Path, s3_connection: str) -> None:
    for uri in (f"{tmp_path}/hooks.yaml", f"{s3_connection}/hooks.yaml"):
        with pytest.raises(ConfigurationError, match=r"hooks is .*: there is no such file"):
            read_document(uri, "hooks")
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "hooks.yaml"):
        with pytest.raises(ConfigurationError, match=r"hooks is .*: it cannot be read"):
            read_document(str(path), "hooks")


@pytest.mark.parametrize(
    ("exports", "state", "refused"),
    [
        ("/data", "/data/state", True),
        ("/data/", "file:///data/state", True),
        ("/data/**/*.csv", "/data/state", True),
        ("/data", "/data", True),
        ("/data", "/data/.state", False),
        ("/data/*.csv", "/data/state", False),
        ("/data", "/data2/state", False),
        ("/data/exports", "/data", False),
    ],
)
def test_a_working_folder_that_would_be_read_as_exports_is_refused(exports: str, state: str, refused: bool) -> None:
    folder, _, glob = exports.partition("/*")
    place = ExportPlace(open_folder(folder), glob=f"*{glob}" if glob else "")
    if not refused:
        refuse_inside(place, open_folder(state).child("acme"), "state", state)
        return
    with pytest.raises(ConfigurationError, match=rf"^state is '{state}', which lies inside exports"):
        refuse_inside(place, open_folder(state).child("acme"), "state", state)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_folder_that_can_be_written_is_left_as_it_was(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = str(tmp_path) if kind == "local" else f"{request.getfixturevalue('s3_connection')}/{tmp_path.name}"
    refuse_unwritable(open_folder(root).child("acme"), "state", root)
    assert list(open_folder(root).list()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_lies_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for given, why in ((f"{tmp_path}/file/state", "Not a directory"), (f"{tmp_path}/file", "File exists")):
        with pytest.raises(ConfigurationError) as refused:
            refuse_unwritable(open_folder(given), "state", given)
        assert str(refused.value) == f"state is {given!r}: it cannot be written ({why})"


def test_a_bucket_that_is_not_there_is_refused_as_a_place_to_write(s3_connection: str) -> None:
    given = s3_connection.replace("exports-and-state", "no-such-bucket")
    with pytest.raises(ConfigurationError, match=r"state is .*: it cannot be written \(.*bucket does not exist\)"):
        refuse_unwritable(open_folder(given), "state", given)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "Read-only file system"),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), "Permission denied"),
        (PermissionError("s3://acme/state: Access Denied"), "s3://acme/state: Access Denied"),
    ],
)
def test_a_folder_that_may_only_be_read_is_refused(
    error: OSError, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: LocalFolder, name: str, data: bytes) -> None:
        raise error

    monkeypatch.setattr(LocalFolder, "write", refuse)
    with pytest.raises(ConfigurationError) as refused:
        refuse_unwritable(LocalFolder(tmp_path), "staging", "/staging")
    assert str(refused.value) == f"staging is '/staging': it cannot be written ({why})"


def test_a_disk_that_is_full_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: LocalFolder, name: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(LocalFolder, "write", refuse)
    with pytest.raises(OSError, match="No space left"):
        refuse_unwritable(LocalFolder(tmp_path), "state", "/state")
