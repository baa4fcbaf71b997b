from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from workbooks import workbook

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports import spooling
from airflow_netmera_kinesis.exports.export_format import ExportFormat, FileFormat
from airflow_netmera_kinesis.exports.reading import Export

CSV = b"id,User ID,Date\ne1,u1,2026-09-07\nbad\ne2,u2,2026-09-07\n"
NDJSON = b'{"id":"e3","userId":"u3"}\n\n{"id":"e4","userId":"u4"}\n'
XLSX = workbook([["id", "User ID", "Date"], ["e5", "u5", datetime(2026, 9, 7)]])
ALL = {"b/two.ndjson": NDJSON, "a one.csv": CSV, "c.xlsx": XLSX}


def zipped(files: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def export_of(data: bytes, name: str = "a.zip", **said: Any) -> Export:
    return Export(io.BytesIO(data), name, len(data), ExportFormat(**said))


def events_in(export: Export) -> list[tuple[int, str | None]]:
    """Return the line and the id of each event."""
    return [(line, chunk.event(place).id) for chunk in export.chunks() for place, line in enumerate(chunk.lines)]


@pytest.mark.parametrize("name", ["a.zip", "a.csv", "a.csv.zip", "a"])
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zipped_file_is_read_as_itself(name: str, packing: int) -> None:
    export = export_of(zipped({"x/whatever.csv": CSV}, packing), name)
    found = list(export.chunks())
    assert [line for chunk in found for line in chunk.lines] == [2, 4]
    assert [(each.line, each.message) for chunk in found for each in chunk.malformed] == [
        (3, "the row has 1 cells, the header 3")
    ]
    assert (export.rows, export.last_line, export.open_end, export.packing) == (3, 4, False, "zip")


def test_the_lines_of_several_files_are_numbered_through_in_the_order_of_their_names() -> None:
    export = export_of(zipped(ALL))
    found = list(export.chunks())
    events = [(line, chunk.event(n).id, chunk.row(n)) for chunk in found for n, line in enumerate(chunk.lines)]
    assert events == [(2, "e1", 0), (4, "e2", 2), (5, "e3", 3), (7, "e4", 4), (9, "e5", 5)]
    assert [(each.line, each.message) for chunk in found for each in chunk.malformed] == [
        (3, "the row has 1 cells, the header 3 (line 3 of a one.csv)")
    ]
    assert (export.rows, export.last_line, export.open_end) == (6, 9, False)
    assert [(member, found.format) for member, found in export.found()] == [
        ("a one.csv", "csv"), ("b/two.ndjson", "ndjson"), ("c.xlsx", "xlsx"),
    ]  # fmt: skip


def test_what_is_no_export_in_an_archive_is_left_out() -> None:
    more = {"__MACOSX/._a one.csv": b"\0", ".DS_Store": b"\0", "b/": b"", "x.csv.part": b"?"}
    assert events_in(export_of(zipped({**more, "one.csv": CSV}))) == [(2, "e1"), (4, "e2")]
    assert events_in(export_of(zipped({}))) == []


def test_gzip_may_be_in_a_zip_and_a_workbook_or_a_zip_in_a_gzip() -> None:
    assert events_in(export_of(zipped({"n.ndjson.gz": gzip.compress(NDJSON)}))) == [(1, "e3"), (3, "e4")]
    assert events_in(export_of(gzip.compress(XLSX), "c.xlsx.gz")) == [(2, "e5")]
    assert events_in(export_of(gzip.compress(zipped({"n.ndjson": NDJSON})), "n.zip.gz")) == [(1, "e3"), (3, "e4")]


def test_a_workbook_is_known_whatever_its_name() -> None:
    assert events_in(export_of(XLSX, "a.csv")) == events_in(export_of(XLSX, "a")) == [(2, "e5")]


def test_a_files_format_may_depend_on_its_name_in_the_archive_or_on_the_archives() -> None:
    said = (FileFormat("two*", ExportFormat(constants={"id": "mine"})), FileFormat("*.zip", ExportFormat(sheet="?")))
    no_ids = {"one.csv": b"Date\n2026-09-07\n", "two.csv": b"Date\n2026-09-07\n"}
    assert events_in(export_of(zipped(no_ids), files=said)) == [(2, None), (4, "mine")]
    with pytest.raises(ExportError, match=r"a\.zip: c\.xlsx: has no sheet '\?'"):
        events_in(export_of(zipped(ALL), files=said))


def encrypted(data: bytes) -> bytes:
    """Set the flag that says so in both headers of the only member."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


ONE = zipped({"one.csv": CSV * 100})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (encrypted(ONE), r"^a\.zip: one\.csv: is encrypted: unpack it, or export it without a password"),
        (ONE[:-30], r"^a\.zip: damaged ZIP archive"),
        (ONE[:50] + bytes([ONE[50] ^ 255]) + ONE[51:], r"^a\.zip: one\.csv: damaged ZIP archive"),
        (zipped({"x.zip": ONE}), r"^a\.zip: x\.zip: is a ZIP archive in a ZIP archive: unpack it"),
        (zipped({"mimetype": b"", "content.xml": b""}), r"^a\.zip: is an OpenDocument file: save it as XLSX or CSV"),
        (zipped({"b": NDJSON, "a.txt.gz": gzip.compress(CSV)[:-4]}), r"^a\.zip: a\.txt\.gz: truncated gzip"),
        (zipped({"a.bin": b"no table"}), r"^a\.zip: a\.bin: is neither NDJSON nor CSV"),
    ],
)
def test_an_archive_that_cannot_be_read_is_named_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(ExportError, match=why):
        events_in(export_of(data))


def test_each_byte_that_is_damaged_is_damage_or_no_matter() -> None:
    data = zipped(ALL)
    for at in range(0, len(data), 53):
        with suppress(ExportError):
            events_in(export_of(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]))


def test_several_files_in_an_archive_cannot_be_merged_by_time() -> None:
    data = zipped(ALL)
    with pytest.raises(ExportError, match=r"^a\.zip: holds 3 files, which order: timestamp cannot merge: unpack it"):
        list(Export(io.BytesIO(data), "a.zip", len(data), ExportFormat(), by_time=True).chunks())
    alone = zipped({"one.csv": CSV})
    assert events_in(Export(io.BytesIO(alone), "a.zip", len(alone), ExportFormat(), by_time=True)) == [
        (2, "e1"),
        (4, "e2"),
    ]


def test_a_workbook_is_not_what_was_said() -> None:
    with pytest.raises(ExportError, match=r"^a\.zip: is an XLSX workbook, and no CSV as export_format says"):
        events_in(export_of(XLSX, format="csv"))


def test_what_unpacks_to_very_much_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "MAX_SPOOLED_BYTES", 2**20)
    bomb = zipped({"x": b"\0" * 2**20})
    with pytest.raises(ExportError, match="unpacks to more than"):
        events_in(export_of(gzip.compress(zipped({"x": b"\0" * 2**21}, zipfile.ZIP_STORED))))
    with pytest.raises(ExportError, match="is neither NDJSON nor CSV"):
        events_in(export_of(bomb))


def test_the_digest_is_that_of_what_is_stored() -> None:
    plain, packed = export_of(CSV, "a.csv"), export_of(ONE)
    assert len(events_in(plain)) == 2
    assert len(events_in(packed)) == 200
    assert len({plain.digest(), packed.digest(), export_of(ONE).digest()}) == 2
