from __future__ import annotations

import io
import json
from typing import Any

import pytest

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports import decoding
from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.csv import CsvReader
from airflow_netmera_kinesis.exports.export_format import DELIMITERS, ExportFormat
from airflow_netmera_kinesis.exports.row import Row
from airflow_netmera_kinesis.netmera.event import ABSENT, Event, Identities

HEADER = "Event Code,User ID,Date,screen"
MIDNIGHT = 1_788_728_400_000


def read(text: str | bytes, **said: Any) -> list[Chunk]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(CsvReader(io.BytesIO(data), ExportFormat(**said)).chunks())


def events_in(text: str | bytes, **said: Any) -> list[Event]:
    found = [chunk.event(place) for chunk in read(text, **said) for place in range(len(chunk.lines))]
    assert all(isinstance(event, Event) for event in found)
    return found  # type: ignore[return-value]


def one(text: str | bytes, **said: Any) -> Event:
    (event,) = events_in(text, **said)
    return event


def faults(text: str | bytes, **said: Any) -> list[tuple[int, str]]:
    return [(each.line, each.message) for chunk in read(text, **said) for each in chunk.malformed]


def value(raw: Any) -> Any:
    return None if raw is ABSENT else json.loads(bytes(raw))


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("said", [{}, {"delimiter": None}])
def test_each_delimiter_is_read_said_or_found_out(delimiter: str, said: dict[str, Any]) -> None:
    said = {"delimiter": delimiter} if said else {}
    text = f"{HEADER}\nn:ph,u1,2026-09-07 00:00:00,Sepet\n".replace(",", delimiter)
    found = one(text, **said)
    assert (found.event_code, found.user_id, found.time_ms) == ("n:ph", "u1", MIDNIGHT)
    assert value(found.params) == {"screen": "Sepet"}


def test_the_delimiter_that_makes_most_known_headings_is_taken() -> None:
    assert one("Event Code;User ID;Date;a,b,c,d,e,f\nn:ph;u1;2026-09-07;x\n").user_id == "u1"


def test_known_headings_map_themselves() -> None:
    found = one(
        "Event Name|Event Code|Timestamp|User ID|External ID|Email|MSISDN|Revenue|Parameters|installationId\n"
        'Purchase|n:ph|1788728400000|u1|CRM-1|a@example.invalid|905|12.50|{"a": {"b": 1.50}}|i-1\n'
    )
    assert found == Event(
        event_name="Purchase",
        event_code="n:ph",
        time_ms=MIDNIGHT,
        user_id="u1",
        identities=Identities("CRM-1", "a@example.invalid", "905", "i-1"),
        params=found.params,
        revenue=found.revenue,
    )
    assert bytes(found.params) == b'{"a":{"b":1.50}}'
    assert bytes(found.revenue) == b'"12.50"'


def test_columns_may_be_mapped_to_fields_members_and_nothing() -> None:
    found = one(
        "Müşteri,Olay,Zaman,ekran,şehir,crm,os,iç\nu1,n:ph,2026-09-07,Sepet,Muğla,7,13,x\n",
        columns={"Müşteri": "userId", "Olay": "eventCode", "Zaman": "timestamp", "ekran": "params.screen",
                 "şehir": "profile.city", "crm": "identities.crm", "os": "device.osV", "iç": "ignore"},
    )  # fmt: skip
    assert (found.user_id, found.event_code, found.time_ms) == ("u1", "n:ph", MIDNIGHT)
    assert value(found.params) == {"screen": "Sepet"}
    assert value(found.profile) == {"city": "Muğla"}
    assert value(found.device) == {"osV": "13"}
    assert value(found.identities.more["crm"]) == "7"  # type: ignore[attr-defined]


def test_a_member_of_identities_that_is_a_known_id_is_that_id() -> None:
    found = one("Date,User ID,crm\n2026-09-07,u1,CRM-1\n", columns={"crm": "identities.externalId"})
    assert found.identities == Identities(ext_id="CRM-1")


def test_a_mapped_column_comes_before_an_alias_which_then_is_a_parameter() -> None:
    found = one("User ID,Müşteri,Date\nold,new,2026-09-07\n", columns={"Müşteri": "userId"})
    assert found.user_id == "new"
    assert value(found.params) == {"User ID": "old"}
    assert one("User ID,Müşteri,Date\nold,null,2026-09-07\n", columns={"Müşteri": "userId"}).user_id == "old"


@pytest.mark.parametrize("missing", ["", "  ", "null"])
def test_a_missing_cell_is_left_out(missing: str) -> None:
    found = one(f"{HEADER},Parameters,city\nn:ph,{missing},2026-09-07,{missing},{missing},{missing}\n")
    assert found == Event(event_code="n:ph", time_ms=MIDNIGHT)


def test_cells_are_text_unless_their_column_has_a_type() -> None:
    header = "Date,User ID,a,b,c,d,e\n"
    row = '2026-09-07,007,1.50,1.50,3,TRUE,"[1, {""x"": null}]"\n'
    types = {"b": "number", "c": "integer", "d": "boolean", "e": "json"}
    found = one(header + row, types=types)
    assert found.user_id == "007"
    assert bytes(found.params) == b'{"a":"1.50","b":1.50,"c":3,"d":true,"e":[1,{"x":null}]}'


@pytest.mark.parametrize(
    ("kind", "cell"),
    [("number", "1,5"), ("number", "NaN"), ("number", "0x1"), ("number", "007"), ("integer", "1.0"), ("integer", "x"),
     ("boolean", "yes"), ("json", "{"), ("json", "x")],
)  # fmt: skip
def test_a_cell_that_is_not_of_its_type_makes_the_row_malformed(kind: str, cell: str) -> None:
    ((line, message),) = faults(f'Date,a\n2026-09-07,"{cell}"\n', types={"a": kind})
    assert line == 2
    assert message == f"a cell of column 'a' is not of its type: {kind}"


def test_parameters_that_are_not_json_make_the_row_malformed_whatever_its_code() -> None:
    text = "Date,Event Code,Parameters\n2026-09-07,unmatched,{\n2026-09-07,n:ph,{}\n"
    assert faults(text) == [(2, "a cell of column 'Parameters' is not of its type: json")]
    assert len(events_in(text)) == 1


def test_constants_and_time_zone_fill_what_the_file_does_not_say() -> None:
    found = one("User ID,Date\nu1,2026-09-06 21:00\n", time_zone="UTC", constants={"eventCode": "n:ph", "revenue": 1})
    assert (found.event_code, found.time_ms, value(found.revenue)) == ("n:ph", MIDNIGHT, 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("n:ph,u1,2026-09-07", "the row has 3 cells, the header 4"),
        ("n:ph,u1,2026-09-07,x,y", "the row has 5 cells, the header 4"),
        ("n:ph,u1,not-a-time,x", "timestamp is not a time in any form that is accepted"),
        ("n:ph,u1,,x", "the row has no time"),
        ("n:ph,u1,null,x", "the row has no time"),
        ("n:ph,u\0,2026-09-07,x", None),
        ('n:ph,"u"1,2026-09-07,x', None),
        (b"n:ph,u\xff,2026-09-07,x", "the row is not in the encoding of the file"),
    ],
)
def test_a_row_that_cannot_be_read_is_malformed_and_the_next_one_is_not(row: str | bytes, message: str | None) -> None:
    data = row if isinstance(row, bytes) else row.encode()
    text = HEADER.encode() + b"\n" + data + b"\nn:cl,u2,2026-09-07,x\n"
    ((line, told),) = faults(text)
    assert line == 2
    assert message is None or told == message
    assert [event.user_id for event in events_in(text)] == ["u2"]


def test_a_row_is_kept_by_its_headings_and_an_unreadable_one_as_it_came() -> None:
    (chunk,) = read(HEADER + "\nn:ph,u1,2026-09-07,x\na,b\na,b,c,d,e\n" + '"a"b,c\n')
    columns = ("Event Code", "User ID", "Date", "screen")
    assert chunk.source(0) == Row(columns, dict(zip(columns, ("n:ph", "u1", "2026-09-07", "x"), strict=True)))
    assert [each.source for each in chunk.malformed] == [
        Row(columns, {"Event Code": "a", "User ID": "b"}),
        Row(columns, {"Event Code": "a", "User ID": "b", "Date": "c", "screen": "d", "": ["e"]}),
        Row(columns, '"a"b,c\n', ","),
    ]


def test_a_row_is_numbered_by_the_line_on_which_it_begins() -> None:
    text = f'{HEADER}\n\nn:ph,u1,2026-09-07,"two\nlines"\r\nbad\n\nn:ph,u2,2026-09-07,"x"\n'
    (chunk,) = read(text)
    assert list(chunk.lines) == [3, 7]
    assert [chunk.row(place) for place in range(2)] == [0, 2]
    assert faults(text) == [(5, "the row has 1 cells, the header 4")]
    assert value(events_in(text)[0].params) == {"screen": "two\nlines"}


@pytest.mark.parametrize(
    ("text", "last_line", "open_end"),
    [("", 0, False), (HEADER, 1, True), (HEADER + "\n", 1, False), (HEADER + "\nn:ph,u,2026-09-07,x", 2, True),
     (HEADER + "\nn:ph,u,2026-09-07,x\r\n", 2, False)],
)  # fmt: skip
def test_the_end_of_a_file_is_known(text: str, last_line: int, open_end: bool) -> None:
    reader = CsvReader(io.BytesIO(text.encode()), ExportFormat())
    list(reader.chunks())
    assert (reader.last_line, reader.open_end) == (last_line, open_end)


def test_a_header_that_is_no_text_is_told() -> None:
    for data in (b"Date,\0User ID\n", b"M\xfc\xfe\xf0teri,Date\n" + b"\xc3\xa7\xc4\x9f\xc3\xb6\n"):
        with pytest.raises(ExportError, match="its header is not text in utf-8: say its encoding in export_format"):
            read(data)


def test_a_column_that_is_mapped_and_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ExportError, match="has no column 'city'; it has 'Event Code', 'User ID', 'Date', 'screen'"):
        read(HEADER, columns={"city": "profile.city"})
    with pytest.raises(ExportError, match="has no column 'es'"):
        read(HEADER, types={"es": "number"})
    assert read(HEADER, columns={"city": "ignore"}) == []


def test_a_header_without_a_time_cannot_be_read_unless_a_constant_gives_it() -> None:
    with pytest.raises(ExportError, match="no column for the timestamp"):
        read("User ID,screen\nu1,x\n")
    assert one("User ID\nu1\n", constants={"timestamp": MIDNIGHT}).time_ms == MIDNIGHT


@pytest.mark.parametrize(
    "row",
    [
        "u17,n:ph,2026-09-07 10:00:00,Ayşe",
        "u17,n:ph,13.9.26 21:05,Ayşe",
        "u17\tn:ph\t1788728400527\tAyşe",
        "u17,u17,2026-09-07,Ayşe",
        "ayse@example.invalid,u17,n:ph",
        'u17,Ayşe,"{""a"": 1}"',
    ],
)
@pytest.mark.parametrize("said", [{}, {"columns": {"city": "profile.city"}}])
def test_no_value_of_a_user_is_told_where_a_file_has_no_header(row: str, said: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="its first row looks like values, not like headings") as refused:
        read(f"{row}\n{row}\n", **said)
    assert not [cell for cell in ("u17", "n:ph", "Ayşe", "ayse", "2026", "1788") if cell in str(refused.value)]


def test_the_headings_are_told_where_there_are_some() -> None:
    with pytest.raises(ExportError, match="it has 'Müşteri No', 'Puan 2026'"):
        read("Müşteri No,Puan 2026\nC1,5\n")


def test_a_heading_that_stands_twice_is_refused() -> None:
    with pytest.raises(ExportError, match="names 'screen' twice"):
        read(f"{HEADER},screen\n")


def test_a_column_without_a_heading_must_be_empty() -> None:
    assert one(f"{HEADER},\nn:ph,u1,2026-09-07,x,\n").user_id == "u1"
    assert faults(f"{HEADER},\nn:ph,u1,2026-09-07,x,y\n") == [(2, "a cell stands under no heading")]


def test_a_quoted_cell_that_never_ends_would_swallow_the_rest_so_the_file_is_damaged() -> None:
    with pytest.raises(ExportError, match="the quoted cell that begins near line 3 never ends"):
        read(f'{HEADER}\nn:ph,u1,2026-09-07,x\nn:ph,u1,2026-09-07,"x\nn:ph,u1,2026-09-07,x\n')


def test_a_cell_may_be_as_large_as_a_record_and_more() -> None:
    found = one(f'{HEADER}\nn:ph,u1,2026-09-07,"{"x" * 2_000_000}"\n')
    assert len(bytes(found.params)) > 2_000_000


@pytest.mark.parametrize("size", [4, 7, 50, 100])
def test_chunks_of_any_size_hold_the_same_rows(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", size)
    text = (
        HEADER + "".join(f"\nn:ph,u{n},2026-09-07,x" for n in range(6)) + '\nbad\n\n"x"y\nn:ph,u6,2026-09-07,"a\nb"\r\n'
    )
    assert [event.user_id for event in events_in(text)] == [f"u{n}" for n in range(7)]
    assert [line for chunk in read(text) for line in chunk.lines] == [2, 3, 4, 5, 6, 7, 11]
    assert [row for chunk in read(text) for row in map(chunk.row, range(len(chunk.lines)))] == [0, 1, 2, 3, 4, 5, 8]
    assert [line for line, _ in faults(text)] == [8, 10]
