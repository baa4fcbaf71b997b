"""Files are named where they lie, without the Airflow connection that opens them."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.stages.lineage import lineage_of_group, lineage_of_slice
from airflow_netmera_kinesis.state.match_result import FileResult, MatchResult
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target, save_slice
from airflow_netmera_kinesis.storage import LocalFolder


@pytest.mark.parametrize(
    ("exports", "names"),
    [
        ("/srv/exports/", ["/srv/exports/day.csv"]),
        ("file:///srv/exports", ["/srv/exports/day.csv"]),
        ("/srv/exports/day.csv", ["/srv/exports/day.csv"]),
        ("s3://aws_default@acme-netmera/exports/", ["s3://acme-netmera/exports/day.csv"]),
        ("s3://acme-netmera/*.csv", ["s3://acme-netmera/day.csv"]),
        ("s3://acme-netmera", ["s3://acme-netmera/day.csv"]),
        ("sftp://netmera_sftp@/exports", ["sftp://netmera_sftp/exports/day.csv"]),
        ("sftp://netmera_sftp@files.acme.example/exports/2026/*", ["sftp://files.acme.example/exports/2026/day.csv"]),
    ],
)
def test_a_file_is_named_where_it_lies(tmp_path: Path, exports: str, names: list[str]) -> None:
    state = LocalFolder(tmp_path)
    file = ExportFile("day.csv", 10, 0)
    save_slice(
        state, Slice("s1", exports, (file,), ((0,),), (), ExportFormat(), 1, "file", Target("eu-central-1"), "", 0)
    )
    read = FileResult(0, "day.csv", 2, 0, 2, "digest")
    told = lineage_of_group(state, MatchResult("s1", 0, (read,), (), ()))
    assert [(each.uri, each.rows, each.size) for each in told.files] == [(name, 2, 10) for name in names]


def test_what_was_set_aside_was_not_read(tmp_path: Path) -> None:
    state = LocalFolder(tmp_path)
    files = (ExportFile("day.csv", 10, 0),)
    save_slice(state, Slice("s1", "/e", files, ((0,),), (), ExportFormat(), 1, "file", Target("eu"), "", 0))
    damaged = FileResult(0, "day.csv", 0, 0, 0, "digest", set_aside="truncated gzip")
    assert lineage_of_group(state, MatchResult("s1", 0, (damaged,), (), ())).files == ()


def test_a_slice_that_is_closed_has_none(tmp_path: Path) -> None:
    assert lineage_of_slice(LocalFolder(tmp_path), "s1") is None
