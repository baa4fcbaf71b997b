"""The two ways of reading a row are one: what is found sound by columns, the general one reads alike."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_netmera_kinesis.exports.chunk import Chunk, Wanted
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.table import Rows, Table
from airflow_netmera_kinesis.netmera.canonical_json import canonical
from airflow_netmera_kinesis.netmera.content_hash import _encode_common, content_of
from airflow_netmera_kinesis.netmera.event import Event
from airflow_netmera_kinesis.netmera.payload import body_of

HEADER = ["Event Code", "Event Name", "Date", "User ID", "Parameters", "es", "ok", "a", ""]
SAID = ExportFormat(
    columns={"es": "profile.es", "ok": "profile.ok"},
    types={"es": "number", "ok": "boolean"},
    constants={"eventCode": "constant", "appKey": "demoapp", "revenue": 5},
    names_to_codes={"Purchase": "n:ph"},
)
MISSING = st.sampled_from(["", "null", " "])
SOUND = (
    st.sampled_from(["n:ph", "n:cl", "ödeme"]),
    st.sampled_from(["Purchase", "Login"]),
    st.sampled_from(["2026-09-07 10:00:00", "1788728400000", "2026-09-07T10:00:00Z", "1788728400"]),
    st.text("uü1", min_size=1),
    st.sampled_from(['{"a": "i"}', '{"\\u0061":"İ"}', '{"b":[1, {"c":null}]}', " {}", "[]", '{"n":1e999}']),
    st.sampled_from(["1", "-2.5", "1e3"]),
    st.sampled_from(["true", "FALSE", "1"]),
    st.text("İi", min_size=1),
    st.just(""),
)
ODD = st.sampled_from(["x", "{", "2026-02-30", "1,5", "\udc81", "\udcff"])
cells = st.tuples(
    *(st.one_of(sound, sound, sound, MISSING, ODD) if sound is not SOUND[-1] else sound for sound in SOUND)
)
sound_cells = st.tuples(*SOUND)
rows = st.lists(
    st.one_of(sound_cells, sound_cells, cells.map(lambda row: row[:5]), cells, cells.map(lambda row: (*row, "x"))),
    max_size=8,
)
WANTED = Wanted(frozenset(["n:ph", "constant"]), frozenset(["Login"]))


def content(chunk: Chunk) -> Any:
    events = [chunk.event(place) for place in range(len(chunk.lines))]
    codes = [event.event_code for event in events]
    names = [event.event_name for event in events]
    wanted = [n for n in range(len(events)) if codes[n] in WANTED.codes or names[n] in WANTED.names]
    assert list(chunk.candidates(WANTED)) == wanted
    assert list(chunk.codes()) == [name if code is None else code for code, name in zip(codes, names, strict=True)]
    return (
        list(chunk.lines),
        [chunk.row(place) for place in range(len(events))],
        [body_of(event, event.event_code, "") for event in events],
        list(map(chunk.source, range(len(events)))),
        chunk.malformed,
    )


@given(rows, st.booleans())
@settings(max_examples=100, deadline=None)
def test_rows_that_are_sound_by_columns_are_what_they_are_one_by_one(found: list[tuple[str, ...]], clean: bool) -> None:
    is_clean = clean and not any(odd in cell for row in found for cell in row for odd in ("\0", "\udc81", "\udcff"))
    batch = Rows(7, range(3, 3 + len(found)), found, is_clean=is_clean)
    fast, general = (Table(HEADER, SAID, ",", lambda: "utf-8") for _ in range(2))
    general.check._applies = False
    assert content(fast.chunk(batch)) == content(general.chunk(batch))


def test_rows_of_a_usual_table_are_checked_by_columns() -> None:
    batch = Rows(0, range(2), [("n:ph", "", "1788728400000", "u1", "{}", "1", "true", "", ""), ("x",)])
    assert Table(HEADER, SAID).check.look(batch.cells).doubtful == [1]


@given(st.lists(sound_cells, min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_an_event_is_hashed_alike_in_both_ways(found: list[tuple[str, ...]]) -> None:
    chunk = Table(HEADER, SAID).chunk(Rows(0, range(len(found)), found))
    for event in map(chunk.event, range(len(chunk.lines))):
        assert isinstance(event, Event)
        if b"1e999" not in bytes(event.params):
            assert _encode_common(event) == canonical(content_of(event))
