"""The same events as NDJSON, CSV and XLSX are the same payloads with the same ids, whichever way they were exported."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import workbook

from airflow_netmera_kinesis.exports.export_format import DELIMITERS
from airflow_netmera_kinesis.exports.format_parsing import parse_export_format
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.event_id import EventIds
from airflow_netmera_kinesis.netmera.missing_value import is_missing
from airflow_netmera_kinesis.netmera.payload import body_of

ISTANBUL = ZoneInfo("Europe/Istanbul")
HEADER = ["Event Code", "Event Name", "Date", "User ID", "External ID", "Parameters", "city", "es"]
SAID = {"columns": {"city": "profile.city", "es": "params.es"}, "types": {"es": "number"}}

# What an XLSX cell can hold and gives back unchanged; _x0041_ is how it writes a character by its number.
texts = st.text(
    st.one_of(st.sampled_from("aZ0 ,;|~¦^\"'\n\t{}ğüşıöçİĞ🛒"), st.characters(exclude_categories=("C", "Z"))),
    min_size=1,
    max_size=12,
).filter(lambda text: not is_missing(text) and "_x" not in text and not text.startswith("="))  # fmt: skip
moments = st.integers(0, 30 * 24 * 3600).map(lambda seconds: datetime(2026, 9, 1) + timedelta(seconds=seconds))
prices = st.integers(-10_000, 1_000_000).map(lambda cents: cents // 100 if cents % 100 == 0 else cents / 100)
events = st.lists(
    st.fixed_dictionaries(
        {"code": texts, "name": texts, "when": moments, "user": texts, "crm": texts, "screen": texts},
        optional={"city": texts, "price": prices},
    ),
    min_size=1,
    max_size=4,
)


def own_params(event: dict[str, Any]) -> dict[str, Any]:
    return {"screen": event["screen"], "items": [{"a": 1.5, "b": None}]}


def line(event: dict[str, Any]) -> bytes:
    """Write an event as a canonical record."""
    price = {"es": event["price"]} if "price" in event else {}
    record = {
        "eventCode": event["code"],
        "eventName": event["name"],
        "timestamp": round(event["when"].replace(tzinfo=ISTANBUL).timestamp() * 1000),
        "userId": event["user"],
        "params": {**own_params(event), **price},
        **({"profile": {"city": event["city"]}} if "city" in event else {}),
        "identities": {"extId": event["crm"]},
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def row(event: dict[str, Any]) -> list[Any]:
    cells = [event[name] for name in ("code", "name", "when", "user", "crm")]
    return [*cells, json.dumps(own_params(event), ensure_ascii=False), event.get("city"), event.get("price")]


def csv_of(rows: list[list[Any]], delimiter: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


def payloads(data: bytes, name: str) -> list[tuple[str, bytes]]:
    """Return the id and the payload of each event, as match makes them."""
    ids = EventIds()
    export = Export(io.BytesIO(data), name, len(data), parse_export_format(SAID if "ndjson" not in name else None))
    made = []
    for chunk in export.chunks():
        assert not chunk.malformed
        for place in range(len(chunk.lines)):
            event = chunk.event(place)
            event_id = ids.id_of(event, chunk.row(place))
            made.append((event_id, body_of(event, event.event_code, event_id)))
    return made


@given(events, st.sampled_from(DELIMITERS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@settings(max_examples=40, deadline=None)
def test_the_same_events_are_the_same_payloads_with_the_same_ids(
    made: list[dict[str, Any]], delimiter: str, encoding: str
) -> None:
    twice = [*made, made[0]]
    due = payloads(b"".join(map(line, twice)), "a.ndjson")
    rows = [HEADER, *map(row, twice)]
    text = csv_of(rows, delimiter).encode(encoding)
    assert len({event_id for event_id, _ in due}) == len(due)
    assert payloads(text, "a.csv") == due
    assert payloads(gzip.compress(text), "a.csv.gz") == due
    assert payloads(workbook(rows), "a.xlsx") == due
