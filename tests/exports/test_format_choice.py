from __future__ import annotations

import gzip
import hashlib
import io
from typing import Any

import pytest

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.reading import Export

NDJSON = b'{"id":"e1","userId":"u1"}\n'
CSV = b"id,User ID,Date\ne1,u1,2026-09-07\n"


def read(name: str, data: bytes, **said: Any) -> list[str | None]:
    export = Export(io.BytesIO(data), name, len(data), ExportFormat(**said))
    ids = [chunk.event(place).id for chunk in export.chunks() for place in range(len(chunk.lines))]
    assert export.digest() == hashlib.sha256(data).hexdigest()
    return ids


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "A.JSON", "a.ndjson.gz", "a", "a.csv", "a.log"])
def test_what_begins_like_a_json_object_is_ndjson(name: str) -> None:
    assert read(name, NDJSON) == read(name, gzip.compress(NDJSON)) == read(name, b"\xef\xbb\xbf\n" + NDJSON) == ["e1"]


@pytest.mark.parametrize("name", ["a.csv", "2026/a.CSV", "a.csv.gz", "a.txt"])
def test_csv_is_known_by_its_name(name: str) -> None:
    assert read(name, CSV) == read(name, gzip.compress(CSV)) == ["e1"]


def test_what_is_said_counts_more_than_the_name() -> None:
    assert read("a.dat", CSV, format="csv") == ["e1"]
    assert read("a.csv", b"\n" + NDJSON, format="ndjson") == ["e1"]


def test_ndjson_by_its_name_is_ndjson_whatever_it_holds() -> None:
    export = Export(io.BytesIO(CSV), "a.ndjson", len(CSV), ExportFormat())
    assert [len(chunk.malformed) for chunk in export.chunks()] == [2]


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv", "a.dat"])
def test_an_empty_file_holds_nothing(name: str) -> None:
    assert read(name, b"") == []


@pytest.mark.parametrize(
    ("name", "data", "said", "why"),
    [
        ("x/a.dat", CSV, {}, "x/a.dat: is neither NDJSON nor CSV by its name or content"),
        ("a.csv", b"PK\x03\x04...", {}, "a.csv: is a ZIP archive or an XLSX workbook"),
        ("a.ndjson", gzip.compress(NDJSON)[:-4], {}, "a.ndjson: truncated gzip"),
        ("a.ndjson", NDJSON, {"format": "csv"}, "a.ndjson: its header cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(name: str, data: bytes, said: Any, why: str) -> None:
    with pytest.raises(ExportError) as error:
        read(name, data, **said)
    assert str(error.value).startswith(why)


def test_the_end_is_told_by_the_reader() -> None:
    export = Export(io.BytesIO(NDJSON + b"\n{}"), "a", len(NDJSON) + 3, ExportFormat())
    list(export.chunks())
    assert (export.rows, export.last_line, export.open_end) == (2, 3, True)
