from __future__ import annotations

import gzip
import hashlib
import io
from typing import Any

import pytest

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.export_format import DELIMITERS, ExportFormat
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


@pytest.mark.parametrize("name", ["a", "a.dat", "a.json", "a.xlsx", "a.json.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_begins_with_known_headings_is_csv_whatever_its_name(name: str, encoding: str) -> None:
    assert read(name, CSV.decode().encode(encoding)) == ["e1"]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_rows_that_are_cut_alike_are_csv_whatever_their_headings(delimiter: str) -> None:
    text = "kod,kim,zaman\ne1,u1,2026-09-07\n".replace(",", delimiter)
    with pytest.raises(ExportError, match="has no column for the timestamp"):
        read("a", text.encode())
    assert read("a", text.encode(), columns={"kod": "id", "zaman": "timestamp"}) == ["e1"]


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl.gz"])
def test_ndjson_by_its_name_is_ndjson_whatever_it_holds(name: str) -> None:
    export = Export(io.BytesIO(CSV), name, len(CSV), ExportFormat())
    assert [len(chunk.malformed) for chunk in export.chunks()] == [2]


def test_ndjson_whose_first_line_is_broken_is_ndjson() -> None:
    export = Export(io.BytesIO(b'"id": 5}\n' + NDJSON), "a.ndjson", len(NDJSON) + 9, ExportFormat())
    assert [(len(chunk.lines), len(chunk.malformed)) for chunk in export.chunks()] == [(1, 1)]


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv", "a.dat"])
def test_an_empty_file_holds_nothing(name: str) -> None:
    assert read(name, b"") == []


@pytest.mark.parametrize(
    ("name", "data", "said", "why"),
    [
        ("x/a.dat", b"Dear all,\nplease\n", {}, "x/a.dat: is neither NDJSON nor CSV by its name or content"),
        ("a.csv", b"PK\x03\x04...", {}, "a.csv: damaged ZIP archive"),
        ("a.xlsx", CSV, {"format": "xlsx"}, "a.xlsx: is no XLSX workbook, as export_format says it is"),
        (
            "a.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            {},
            "a.xls: is an Excel workbook of the old kind (.xls), or has a",
        ),
        ("a.csv", b"\x28\xb5\x2f\xfd...", {}, "a.csv: is packed with zstd: gzip and ZIP are read"),
        ("a.json", b'[{"id":"e1"}]', {}, "a.json: is one JSON array: NDJSON has one event a line"),
        ("a.csv", b"<!DOCTYPE html><html>", {}, "a.csv: is HTML or XML"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0" + b"\0\1\2" * 9, {}, "a.csv: is not text"),
        (
            "a.ndjson",
            NDJSON.decode().encode("utf-16"),
            {},
            "a.ndjson: is NDJSON in UTF-16-LE, and NDJSON is always UTF-8",
        ),
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
