"""The two ways of reading a line are one: what the fast one takes, the general one reads alike."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports import ndjson
from airflow_netmera_kinesis.exports.chunk import Chunk, Wanted
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.json_line import JsonLines
from airflow_netmera_kinesis.exports.ndjson import CanonicalChunk, NdjsonReader
from airflow_netmera_kinesis.netmera.content_hash import content_hash
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.payload import body_of


def chunks_of(data: bytes, export_format: ExportFormat = ExportFormat()) -> list[Chunk]:  # noqa: B008
    return list(NdjsonReader(io.BytesIO(data), export_format).chunks())


def events_of(data: bytes) -> list[tuple[int, Event | MessageLog]]:
    found = []
    for chunk in chunks_of(data):
        everything = chunk.candidates(Wanted(frozenset([*chunk.codes(), None]), frozenset()))  # type: ignore[list-item]
        assert list(everything) == list(range(len(chunk.lines)))
        found += [(line, chunk.event(place)) for place, line in enumerate(chunk.lines)]
    return found


def malformed_in(data: bytes) -> list[int]:
    return [unreadable.line for chunk in chunks_of(data) for unreadable in chunk.malformed]


def read_generally(line: bytes) -> Event | MessageLog | None:
    try:
        return JsonLines(ExportFormat()).read(line)
    except Malformed:
        return None


TEXTS = st.sampled_from(["", " ", "null", "u1", "n:ph", "ödeme", 'a"b\\', "1757192400000", "2026-09-07 00:00:00"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
IDS = st.dictionaries(
    st.sampled_from(["extId", "email", "msisdn", "installationId", "xid", "crm"]), SCALARS, max_size=4
)
LINES = st.fixed_dictionaries(
    {},
    optional={
        "recordType": st.sampled_from(["EVENT", "EVENT", "EVENT", "MESSAGE_LOG", "PUSH", None]),
        "id": SCALARS,
        "appKey": TEXTS,
        "eventCode": TEXTS,
        "code": TEXTS,
        "eventName": TEXTS,
        "timestamp": st.sampled_from(
            [1757192400000, 1757192400, "1757192400000", "soon", 99_999_999_999, None, 1.5, -1]
        ),
        "userId": SCALARS,
        "params": NESTED,
        "revenue": SCALARS,
        "profile": NESTED,
        "identities": IDS | SCALARS,
        "device": NESTED,
        "extId": SCALARS,
        "unknown": NESTED,
    },
)


@settings(max_examples=500)
@given(st.lists(LINES, min_size=1, max_size=4), st.booleans(), st.booleans())
@example([{"eventCode": "n:ph", "params": None}], False, False)
@example([{"eventCode": "n:ph", "revenue": "null", "identities": {}}], True, False)
def test_fast_and_general_reading_agree_on_every_line(lines: list[Any], spaced: bool, escaped: bool) -> None:
    separators = (", ", " : ") if spaced else (",", ":")
    texts = [json.dumps(line, ensure_ascii=escaped, separators=separators).encode() for line in lines]
    expected = {number: event for number, text in enumerate(texts, 1) if (event := read_generally(text)) is not None}
    found = events_of(b"\n".join(texts))
    assert [number for number, _ in found] == list(expected)
    for number, event in found:
        other = expected[number]
        assert body_of(event, "c", "i") == body_of(other, "c", "i")
        assert content_hash(event) == content_hash(other)
        assert event.time_ms == other.time_ms


@given(st.lists(LINES, min_size=1, max_size=4))
def test_a_payload_is_compact_valid_json_whatever_the_line(lines: list[Any]) -> None:
    for _, event in events_of(b"\n".join(json.dumps(line).encode() for line in lines)):
        payload = b"{" + body_of(event, "c", "i")
        assert msgspec.json.format(payload, indent=-1) == payload
        json.loads(payload)


def test_canonical_lines_are_read_the_fast_way() -> None:
    (chunk,) = chunks_of(b'{"eventCode":"n:ph","userId":"u1"}\n{"eventCode":"n:cl","userId":"u2"}\n')
    assert isinstance(chunk, CanonicalChunk)
    assert chunk.codes() == ["n:ph", "n:cl"]
    assert chunk.candidates(Wanted(frozenset({"n:cl"}), frozenset())) == [1]
    assert chunk.candidates(Wanted(frozenset({"x"}), frozenset())) == []


def test_an_event_without_a_code_is_counted_and_found_by_its_name() -> None:
    (chunk,) = chunks_of(b'{"eventName":"Purchase"}\n{"eventCode":"n:cl","eventName":"Login"}\n{}\n')
    assert list(chunk.codes()) == ["Purchase", "n:cl", None]
    assert chunk.candidates(Wanted(frozenset(), frozenset({"Purchase"}))) == [0]


def test_lines_are_numbered_as_an_editor_numbers_them() -> None:
    data = b'\n{"id":"2"}\r\n\n   \n{"id":"5"}\nx\n\n{"id":"8"}'
    assert [(line, event.id) for line, event in events_of(data)] == [(2, "2"), (5, "5"), (8, "8")]
    assert malformed_in(data) == [6]


def test_rows_are_counted_without_blank_lines() -> None:
    (chunk,) = chunks_of(b'{"id":"1"}\n\nx\n{"id":"4"}\n')
    assert [chunk.row(place) for place in range(2)] == [0, 2]
    (chunk,) = chunks_of(b'{"id":"1"}\n\n{"id":"3"}\n')
    assert [chunk.row(place) for place in range(2)] == [0, 1]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_chunks_of_any_size_hold_the_same_lines(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "\ufeff".encode() + b"".join(b'{"id":"%d","x":"\xc3\xb6"}\r\n\n' % n for n in range(9)) + b"broken"
    expected = events_of(data), malformed_in(data)
    monkeypatch.setattr(ndjson, "CHUNK_BYTES", size)
    found = [(line, event.id) for line, event in events_of(data)]
    assert found == [(line, event.id) for line, event in expected[0]]
    assert malformed_in(data) == expected[1] == [19]


@pytest.mark.parametrize(
    ("data", "last_line", "open_end"),
    [(b"", 0, False), (b"{}\n", 1, False), (b"{}", 1, True), (b"{}\n\n", 2, False), (b"{}\n{}\n{}", 3, True)],
)
def test_the_end_of_a_file_is_known(data: bytes, last_line: int, open_end: bool) -> None:
    reader = NdjsonReader(io.BytesIO(data), ExportFormat())
    list(reader.chunks())
    assert (reader.last_line, reader.open_end) == (last_line, open_end)


@pytest.mark.parametrize("code", ["n:ph", "unmatched"])
@pytest.mark.parametrize(
    "rest",
    [b'"params":{"x":"\xff\xfe"}', b'"userId":"\xc4"', b'"timestamp":"soon"', b'"recordType":"x"', b'"userId":[]'],
)
def test_a_malformed_line_is_malformed_whether_a_hook_wants_it_or_not(code: str, rest: bytes) -> None:
    line = b'{"eventCode":"%s",%s}' % (code.encode(), rest)
    assert malformed_in(b'{"id":"1"}\n' + line + b'\n{"id":"3"}\n') == [2]


def test_bytes_that_only_look_like_utf8_across_a_gap_are_found() -> None:
    assert malformed_in(b'{"params":{"a":"\xc4","b":"\x9f"}}\n') == [1]


def test_a_malformed_line_is_kept_as_it_came() -> None:
    (chunk,) = chunks_of(b'{"eventCode": \xff}\n')
    assert chunk.malformed[0].source == b'{"eventCode": \xff}'


def test_the_source_of_an_event_is_its_line() -> None:
    for data in (b'{"id":"1"}\n{"id":"2"}\n', b'{"id":"1"}\n{"id":"2","x":1}\n'):
        (chunk,) = chunks_of(data)
        assert [chunk.source(place) for place in range(2)] == data.splitlines()


def test_a_file_without_line_ends_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(ndjson, "CHUNK_BYTES", 100)
    with pytest.raises(ExportError, match="line 2 is longer than 1000 bytes"):
        chunks_of(b"{}\n" + b"x" * 2000)


def test_a_time_format_of_digits_holds_for_numbers_too() -> None:
    (chunk,) = chunks_of(b'{"timestamp":20260907000000}', ExportFormat(time_format="%Y%m%d%H%M%S"))
    assert chunk.event(0).time_ms == 1_788_728_400_000
