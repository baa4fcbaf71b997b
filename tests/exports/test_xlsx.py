from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from workbooks import SHEET, STRINGS, sheet_xml, strings_xml, texts_xml, with_parts, workbook

from airflow_netmera_kinesis.errors import ConfigurationError, ExportError
from airflow_netmera_kinesis.exports import shared_strings, xlsx
from airflow_netmera_kinesis.exports import sheet_xml as sheet_xml_module
from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.exports.sheet import decimal_text
from airflow_netmera_kinesis.exports.workbook import Workbook
from airflow_netmera_kinesis.netmera.event import ABSENT, Event

HEADER = ["Event Code", "User ID", "Date", "x"]
NINE = datetime(2026, 9, 7, 9, 30, 5)
NINE_MS = 1_788_762_605_000


def export_of(data: bytes, **said: Any) -> Export:
    return Export(io.BytesIO(data), "a.xlsx", len(data), ExportFormat(**said))


def chunks(data: bytes, **said: Any) -> list[Chunk]:
    return list(export_of(data, **said).chunks())


def events_in(data: bytes, **said: Any) -> list[Event]:
    found = [chunk.event(place) for chunk in chunks(data, **said) for place in range(len(chunk.lines))]
    assert all(isinstance(event, Event) for event in found)
    return found  # type: ignore[return-value]


def params(event: Event) -> Any:
    return None if event.params is ABSENT else json.loads(bytes(event.params))


def one_cell(value: Any, **said: Any) -> Any:
    """Read a cell of a column that becomes a parameter."""
    (event,) = events_in(workbook([HEADER, ["n:ph", "u1", NINE, value]]), **said)
    return (params(event) or {}).get("x")


@pytest.mark.parametrize(
    ("cell", "text"),
    [("Ödeme 🛒", "Ödeme 🛒"), ("two\nlines", "two\nlines"), (5, "5"), (5.0, "5"), (-3, "-3"), (0, "0"), (1.5, "1.5"),
     (0.1, "0.1"), (1e-7, "0.0000001"), (123456789012345, "123456789012345"),
     (True, "true"), (False, "false"), (None, None), ("", None), ("null", None),
     (NINE, "2026-09-07 09:30:05"), (datetime(2026, 9, 7, 9, 30, 5, 250_000), "2026-09-07 09:30:05.250"),
     (date(2026, 9, 7), "2026-09-07 00:00:00"), (time(9, 30, 5), "09:30:05"),
     (timedelta(hours=37, minutes=5), "37:05:00"), ("_x0041_ and _x000D_", "A and \r"), ("=1+1", None)],
)  # fmt: skip
def test_a_cell_is_the_text_that_it_shows(cell: Any, text: str | None) -> None:
    assert one_cell(cell) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [("12345678901234567890", "12345678901234567890"), ("1.2345678901234568E+19", "12345678901234568000"),
     ("905321234567.0", "905321234567"), ("0.30000000000000004", "0.30000000000000004"), ("-2.5E-3", "-0.0025"),
     ("0.10000000000000001", "0.1")],
)  # fmt: skip
def test_a_number_is_written_in_all_its_digits(written: str, text: str) -> None:
    assert decimal_text(written) == text


def test_a_column_may_have_a_type() -> None:
    data = workbook([["Date", "a", "b", "c", "d"], [NINE, 5.0, 2.50, True, '{"k": 1.50}']])
    (event,) = events_in(data, types={"a": "integer", "b": "number", "c": "boolean", "d": "json"})
    assert bytes(event.params) == b'{"a":5,"b":2.5,"c":true,"d":{"k":1.50}}'


def test_a_number_as_a_user_id_is_its_decimal_text() -> None:
    found = events_in(workbook([HEADER, ["n:ph", 905321234567, NINE], ["n:ph", 42.0, NINE]]))
    assert [event.user_id for event in found] == ["905321234567", "42"]


@pytest.mark.parametrize("said", [{}, {"time_format": "%d.%m.%Y %H:%M"}])
@pytest.mark.parametrize(
    "when", [NINE, "1788762605000", 1788762605, (NINE - datetime(1899, 12, 30)) / timedelta(days=1)]
)
def test_a_time_is_a_date_of_excel_a_number_or_a_text(when: Any, said: dict[str, str]) -> None:
    assert [event.time_ms for event in events_in(workbook([HEADER, ["n:ph", "u1", when]]), **said)] == [NINE_MS]


def test_a_time_in_text_has_the_format_that_is_said_and_a_date_of_excel_needs_none() -> None:
    data = workbook([HEADER, ["n:ph", "u1", "07.09.2026 09:30"], ["n:ph", "u2", NINE]])
    found = events_in(data, time_format="%d.%m.%Y %H:%M", time_zone="UTC")
    assert [event.time_ms for event in found] == [NINE_MS + 3 * 3_600_000 - 5000, NINE_MS + 3 * 3_600_000]


def test_days_may_be_counted_from_1904() -> None:
    made = workbook([HEADER, ["n:ph", "u1", NINE - timedelta(days=1462)]])
    book = '<workbookPr date1904="1"/>'
    text = zipfile.ZipFile(io.BytesIO(made)).read("xl/workbook.xml").decode()
    data = with_parts(made, {"xl/workbook.xml": text.replace("<workbookPr />", book).replace("<workbookPr/>", book)})
    assert [event.time_ms for event in events_in(data)] == [NINE_MS]


def test_rows_bear_the_numbers_that_excel_shows_and_blank_ones_do_not_count() -> None:
    rows: list[list[Any]] = [
        [],
        HEADER,
        [None, " "],
        ["n:ph", "u1", NINE],
        [],
        ["n:ph", "u2", "never"],
        ["n:ph", "u3", NINE, "x", "y"],
        [""],
    ]
    export = export_of(workbook(rows))
    (chunk,) = export.chunks()
    assert list(chunk.lines) == [4]
    assert [(each.line, each.message) for each in chunk.malformed] == [
        (6, "timestamp is not a time in any form that is accepted"),
        (7, "the row has 5 cells, the header 4"),
    ]
    assert (export.rows, export.last_line, export.open_end) == (3, 8, False)


def test_merged_cells_are_empty_but_for_the_first() -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Date</t></is></c><c r="C1" t="inlineStr"><is><t>b</t></is></c></row>'
        '<row r="3"><c r="A3"><v>1788762605000</v></c><c r="C3" t="str"><v>top</v></c></row>'
        '<row r="4"><c r="A4"><v>1788762605000</v></c></row>'
    )
    merged = '<mergeCells count="1"><mergeCell ref="C3:C4"/></mergeCells>'
    data = with_parts(workbook([]), {SHEET: sheet_xml(rows, after=merged)})
    assert [params(event) for event in events_in(data)] == [{"b": "top"}, None]


def test_formulas_are_what_they_gave_and_errors_are_no_value() -> None:
    rows = (
        '<row><c t="str"><v>Date</v></c><c t="str"><v>a</v></c><c t="str"><v>b</v></c><c t="str"><v>c</v></c></row>'
        '<row><c><f>A1</f><v>1788762605000</v></c><c t="str"><f>B1&amp;"!"</f><v>sum</v></c>'
        '<c t="e"><f>1/0</f><v>#DIV/0!</v></c><c><f>NOW()</f></c></row>'
    )
    (event,) = events_in(with_parts(workbook([]), {SHEET: sheet_xml(rows)}))
    assert (event.time_ms, params(event)) == (NINE_MS, {"a": "sum"})


@pytest.mark.parametrize("dimension", ["", '<dimension ref="A1:A1"/>', '<dimension ref="A1:XFD1048576"/>'])
def test_what_a_sheet_says_of_its_size_makes_no_difference(dimension: str) -> None:
    rows = '<row r="1"><c r="A1" t="str"><v>Date</v></c><c r="B1" t="str"><v>a</v></c></row>' + "".join(
        f'<row r="{n}"><c r="A{n}"><v>1788762605000</v></c><c r="B{n}"><v>{n}</v></c></row>' for n in (2, 3, 1_048_576)
    )
    export = export_of(with_parts(workbook([]), {SHEET: sheet_xml(rows, before=dimension)}))
    assert [line for chunk in export.chunks() for line in chunk.lines] == [2, 3, 1_048_576]
    assert export.last_line == 1_048_576


def test_texts_may_be_shared_in_runs_and_with_their_pronunciation() -> None:
    items = [
        "<t>Date</t>",
        "<t>a</t>",
        "<r><t>Öde</t></r><r><rPr/><t>me</t></r>",
        "<t>東京</t><rPh sb='0' eb='2'><t>x</t></rPh>",
    ]
    rows = '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>' + "".join(
        f'<row><c><v>1788762605000</v></c><c t="s"><v>{n}</v></c></row>' for n in (2, 3, 2)
    )
    data = with_parts(workbook([]), {SHEET: sheet_xml(rows), STRINGS: strings_xml(items)})
    assert [params(event)["a"] for event in events_in(data)] == ["Ödeme", "東京", "Ödeme"]


@pytest.mark.parametrize("pages", [1, 2])
def test_shared_texts_come_from_disk_in_any_order(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_strings, "PAGE_CHARACTERS", 10)
    monkeypatch.setattr(shared_strings, "PAGES_IN_MEMORY", pages)
    texts = ["Date", "a", *(f"text {n}" for n in range(50))]
    order = [*range(2, 52), *range(51, 1, -1)]
    rows = '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>' + "".join(
        f'<row><c><v>1788762605000</v></c><c t="s"><v>{n}</v></c></row>' for n in order
    )
    data = with_parts(workbook([]), {SHEET: sheet_xml(rows), STRINGS: texts_xml(texts)})
    assert [params(event)["a"] for event in events_in(data)] == [texts[n] for n in order]


def test_the_first_sheet_is_read_unless_another_one_is_named() -> None:
    data = workbook([HEADER, ["n:ph", "u1", NINE]], Olaylar=[HEADER, ["n:ph", "u2", NINE]], Empty=[])
    assert [event.user_id for event in events_in(data)] == ["u1"]
    assert [event.user_id for event in events_in(data, sheet="Olaylar")] == ["u2"]
    with pytest.raises(ExportError, match=r"a\.xlsx: has no sheet 'olaylar'; it has 'Sheet', 'Olaylar', 'Empty'"):
        chunks(data, sheet="olaylar")


def test_rows_that_nobody_asked_for_are_told() -> None:
    data = workbook([HEADER, ["n:ph", "u1", NINE]], More=[HEADER, ["n:ph", "u2", NINE]], Empty=[])
    export = export_of(data)
    list(export.chunks())
    ((_, found),) = export.found()
    assert (found.sheet, found.unread_sheets, found.headings) == ("Sheet", ("More",), tuple(HEADER[:4]))
    assert found.warning == "only sheet 'Sheet' is read, and 1 more hold rows: say which in sheet"


def test_an_empty_sheet_holds_nothing() -> None:
    assert chunks(workbook([])) == chunks(workbook([HEADER])) == chunks(workbook([[], [None, ""]])) == []


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_chunks_of_any_size_hold_the_same_rows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "CHUNK_ROWS", rows)
    found = chunks(workbook([HEADER, *([f"n:{n}", "u1", NINE] for n in range(5))]))
    assert [chunk.row(n) for chunk in found for n in range(len(chunk.lines))] == [0, 1, 2, 3, 4]
    assert [line for chunk in found for line in chunk.lines] == [2, 3, 4, 5, 6]
    monkeypatch.setattr(xlsx, "CHUNK_CHARACTERS", 1)
    assert len(chunks(workbook([HEADER, ["n:ph", "u1", NINE], ["n:ph", "u1", NINE]]))) == 2


def test_a_row_that_is_set_aside_is_kept_by_its_headings() -> None:
    (chunk,) = chunks(workbook([HEADER, ["n:ph", 5, "never", True]]))
    assert chunk.malformed[0].source.content == {  # type: ignore[union-attr]
        "Event Code": "n:ph", "User ID": "5", "Date": "never", "x": "true",
    }  # fmt: skip


GOOD = workbook([HEADER, ["n:ph", "secret", NINE]])
ROW = '<row r="1"><c r="A1" t="{}"><v>{}</v></c></row>'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD[:-40], "damaged ZIP archive"),
        (GOOD[: len(GOOD) // 2], "damaged ZIP archive"),
        (with_parts(GOOD, {"xl/workbook.xml": None}), r"damaged XLSX workbook \(KeyError\)"),
        (with_parts(GOOD, {"xl/workbook.xml": "<x"}), "damaged XLSX workbook"),
        (with_parts(GOOD, {SHEET: None}), r"damaged XLSX workbook \(KeyError\)"),
        (with_parts(GOOD, {SHEET: sheet_xml("<row><c>")}), "damaged XLSX workbook .*mismatched tag"),
        (with_parts(GOOD, {SHEET: sheet_xml(ROW.format("s", 9))}), r"damaged XLSX workbook \(IndexError\)"),
        (with_parts(GOOD, {SHEET: sheet_xml(ROW.format("n", "secret"))}), r"workbook \(InvalidOperation\)"),
        (with_parts(GOOD, {SHEET: sheet_xml('<row r="5"/><row r="5"/>')}), "row 5 stands after row 5"),
        (with_parts(GOOD, {SHEET: sheet_xml('<row r="1048577"/>')}), "row 1048577 stands after row 0"),
        (with_parts(GOOD, {SHEET: sheet_xml('<row><c r="XFE1"><v>1</v></c></row>')}), "'XFE1', which is in no column"),
    ],
)  # fmt: skip
def test_a_damaged_workbook_is_named_with_the_reason_and_without_what_it_holds(data: bytes, why: str) -> None:
    with pytest.raises(ExportError, match=f"^a.xlsx: .*{why}") as error:
        chunks(data)
    assert "secret" not in str(error.value)


def test_each_byte_that_is_damaged_is_damage_or_no_matter() -> None:
    for at in range(0, len(GOOD), 97):
        with suppress(ExportError):
            chunks(GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :])


def test_a_small_workbook_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_xml_module, "MAX_ELEMENT_BYTES", 1_000_000)
    long = sheet_xml(f'<row><c t="str"><v>{"x" * 2_000_000}</v></c></row>')
    with pytest.raises(ExportError, match="a part of its XML is larger than 1000000 bytes"):
        chunks(with_parts(GOOD, {SHEET: long}))
    many = sheet_xml("<row/>" * 200_000)
    assert chunks(with_parts(GOOD, {SHEET: many})) == []
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    bomb = sheet_xml('<row><c t="str"><v>&j;</v></c></row>').replace("?>", f"?>{entities}]>", 1)
    with pytest.raises(ExportError, match="damaged XLSX workbook"):
        chunks(with_parts(GOOD, {SHEET: bomb}))


def test_parts_that_are_read_whole_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_netmera_kinesis.exports.workbook.MAX_PART_BYTES", 1000)
    with pytest.raises(ExportError, match="is larger than 1000 bytes"):
        chunks(GOOD)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "openpyxl"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigurationError, match=r"^a.xlsx: .* install airflow-netmera-kinesis\[xlsx\]"):
        chunks(GOOD)


def test_what_a_workbook_needs_on_disk_is_freed_however_far_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Workbook] = []
    close = Workbook.close

    def closing(self: Workbook) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(Workbook, "close", closing)
    reading = export_of(workbook([HEADER, ["n:ph", "u1", NINE]])).chunks()
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert len(closed) == 1


PEAK = """
import sys
from pathlib import Path
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.reading import Export

for path in sys.argv[1:]:
    with open(path, "rb") as file:
        export = Export(file, "a.xlsx", Path(path).stat().st_size, ExportFormat())
        for chunk in export.chunks():
            for place in range(len(chunk.lines)):
                chunk.event(place)
    status = Path("/proc/self/status").read_text()
    print(export.rows, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def large_sheet(path: Path, rows: int) -> Path:
    """Rows as a spreadsheet program writes them: all texts are shared and different, each row has its looks."""
    looks = 'customFormat="false" ht="12.8" hidden="false" customHeight="false" outlineLevel="0" collapsed="false"'
    texts = [
        *HEADER,
        *(text for n in range(rows) for text in (f"user-{n:09d}", f"path /urun/{n:09d}?utm_source=push{'&a=b' * 30}")),
    ]
    header = '<row r="1">' + "".join(f'<c r="{"ABCD"[n]}1" t="s"><v>{n}</v></c>' for n in range(4)) + "</row>"
    body = "".join(
        f'<row r="{n}" {looks}><c r="A{n}" t="str"><v>n:ph</v></c><c r="B{n}" t="s"><v>{2 * n}</v></c>'
        f'<c r="C{n}"><v>1788762605000</v></c><c r="D{n}" t="s"><v>{2 * n + 1}</v></c></row>'
        for n in range(2, rows + 2)
    )
    path.write_bytes(with_parts(workbook([]), {SHEET: sheet_xml(header + body), STRINGS: texts_xml(texts)}))
    return path


def peaks(*paths: Path) -> list[tuple[int, int]]:
    """Read workbooks one after the other in a process of its own; returns the rows and the peak memory in MB."""
    told = subprocess.run([sys.executable, "-c", PEAK, *map(str, paths)], capture_output=True, text=True, check=True)
    return [(int(rows), int(peak)) for rows, peak in map(str.split, told.stdout.splitlines())]


def test_memory_does_not_grow_with_the_sheet(tmp_path: Path) -> None:
    (few, little), (many, much) = peaks(large_sheet(tmp_path / "few", 1_000), large_sheet(tmp_path / "many", 20_000))
    assert (few, many) == (1_000, 20_000)
    assert much - little < 25, "20,000 rows with 40,000 texts of 150 characters need no more than a cache of them"


@pytest.mark.skipif("NETMERA_KINESIS_LARGE_TESTS" not in os.environ, reason="takes a minute")
def test_two_hundred_thousand_rows_are_read_within_300_mb(tmp_path: Path) -> None:
    ((rows, peak),) = peaks(large_sheet(tmp_path / "large", 200_000))
    assert (rows, peak < 300) == (200_000, True)
