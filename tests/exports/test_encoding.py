from __future__ import annotations

import io

import pytest

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports import decoding, text_lines
from airflow_netmera_kinesis.exports.csv import CsvReader
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.text_lines import TextLines
from airflow_netmera_kinesis.netmera.event import Event

TEXT = "Event Code,User ID,Date,şehir\nn:ph,u-ayşe,2026-09-07,İstanbul\nn:cl,u-ışıl,2026-09-07,Muğla\n"
MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
MARKED = [(MARKS[name], name) for name in MARKS]


def text_in(data: bytes, said: str = "auto") -> str:
    return "".join(line for block in TextLines(io.BytesIO(data), said).blocks() for line in block)


def encoding_of(data: bytes, said: str = "auto") -> tuple[str, str]:
    lines = TextLines(io.BytesIO(data), said)
    list(lines.blocks())
    return lines.encoding


def read(data: bytes, said: str = "auto") -> tuple[list[str | None], list[tuple[int, str]]]:
    """Return the users, and the lines that are malformed."""
    users: list[str | None] = []
    faults: list[tuple[int, str]] = []
    for chunk in CsvReader(io.BytesIO(data), ExportFormat(encoding=said)).chunks():
        found = [chunk.event(place) for place in range(len(chunk.lines))]
        users += [event.user_id for event in found if isinstance(event, Event)]
        faults += [(each.line, each.message) for each in chunk.malformed]
    return users, faults


@pytest.mark.parametrize(("mark", "encoding"), MARKED)
@pytest.mark.parametrize("said", ["auto", "utf-8", "cp1254", "utf-16"])
def test_a_byte_order_mark_counts_more_than_what_was_said(mark: bytes, encoding: str, said: str) -> None:
    data = mark + TEXT.encode(encoding)
    assert text_in(data, said) == TEXT
    assert encoding_of(data, said) == (encoding, "byte order mark")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp1254"])
def test_without_a_mark_it_is_guessed_the_same_each_time(encoding: str) -> None:
    data = TEXT.encode(encoding)
    assert text_in(data) == TEXT
    assert {encoding_of(data) for _ in range(3)} == {encoding_of(data)}
    assert encoding_of(data)[0] == encoding
    assert encoding_of(data)[1].startswith("guessed")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1254", "iso8859-9", "cp857"]
)
def test_what_was_said_is_not_guessed(encoding: str) -> None:
    assert text_in(TEXT.encode(encoding), encoding) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_the_one_of_the_two_that_it_is(encoding: str) -> None:
    assert text_in(TEXT.encode(encoding), "utf-16") == TEXT


def test_turkish_that_begins_late_in_a_file_is_guessed_where_it_begins() -> None:
    rows = "n:ph,u1,2026-09-07,Ankara\n" * 20_000
    assert len(rows) > decoding.BLOCK_BYTES
    data = ("Event Code,User ID,Date,city\n" + rows + "n:ph,u-ayşe,2026-09-07,İzmir\n").encode("cp1254")
    assert encoding_of(data)[0] == "cp1254"
    assert text_in(data).endswith("n:ph,u-ayşe,2026-09-07,İzmir\n")


def test_a_broken_bar_between_windows_1254_columns_is_no_reason_to_guess_otherwise() -> None:
    assert encoding_of(TEXT.replace(",", "¦").encode("cp1254"))[0] == "cp1254"


def test_other_languages_are_guessed_by_their_letters() -> None:
    text = "Дата,Город\n" + "2026-09-07,Москва и Санкт-Петербург, сегодня хорошая погода\n" * 20
    assert encoding_of(text.encode("cp1251"))[1] == "guessed by its letters"
    assert text_in(text.encode("cp1251")) == text


def test_plain_ascii_is_utf_8() -> None:
    assert encoding_of(b"Date\n2026-09-07\n") == ("utf-8", "")
    assert encoding_of(b"") == ("utf-8", "")


@pytest.mark.parametrize("said", ["auto", "utf-8"])
def test_a_line_that_is_no_utf_8_is_malformed_and_the_others_are_not(said: str) -> None:
    first, *rest = TEXT.encode().splitlines(keepends=True)
    data = b"".join([first, b"n:ph,u\xff1,2026-09-07,x\n", *rest])
    assert read(data, said) == (["u-ayşe", "u-ışıl"], [(2, "the row is not in the encoding of the file")])


def test_a_few_bytes_that_are_no_text_do_not_make_another_encoding_of_a_file() -> None:
    assert read(b"User ID,Date\nu\x811,2026-09-07\nu2,2026-09-07\n") == (
        ["u2"],
        [(2, "the row is not in the encoding of the file")],
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_line_with_half_a_character_of_utf_16_is_malformed_and_the_others_are_not(encoding: str) -> None:
    half = b"\x00\xd8" if encoding == "utf-16-le" else b"\xd8\x00"
    row = "n:ph,u,2026-09-07,x\n".encode(encoding)
    data = MARKS[encoding] + TEXT.encode(encoding) + row.replace("x".encode(encoding), half) + row
    assert read(data) == (["u-ayşe", "u-ışıl", "u"], [(4, "the row is not in the encoding of the file")])


def test_utf_16_that_ends_within_a_character_is_damaged() -> None:
    with pytest.raises(ExportError, match="is not utf-16-le: it ends within a character"):
        text_in(MARKS["utf-16-le"] + TEXT.encode("utf-16-le")[:-1])


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\x06\0\0\0" * 9]
)
def test_what_is_no_text_at_all_is_told(data: bytes) -> None:
    with pytest.raises(ExportError, match="is not text"):
        text_in(data)


@pytest.mark.parametrize("size", [4, 5, 7, 64])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_of_any_size_make_the_same_lines(
    size: int, encoding: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", size)
    text = TEXT.replace("\n", end)
    lines = TextLines(io.BytesIO(MARKS[encoding] + text.encode(encoding)))
    assert [line for block in lines.blocks() for line in block] == [f"{line}{end}" for line in TEXT.splitlines()]
    assert (lines.count, lines.open_end, lines.is_clean) == (3, False, True)
    assert lines.text_of(2, 3) == "".join(f"{line}{end}" for line in TEXT.splitlines()[1:])


def test_a_line_without_an_end_in_sight_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "MAX_LINE_BYTES", 100_000)
    with pytest.raises(ExportError, match="line 2 is longer than 100000 bytes: not CSV"):
        text_in(b"Date\n" + b"x" * 300_000)
