"""A push result becomes a line that means the same in any export, under an id that no other pull gives anew."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.event import MessageLog
from airflow_netmera_kinesis.netmera.event_id import EventIds
from airflow_netmera_kinesis.push_results.row import PUSH_RESULT_FORMAT, PulledRow, row_of

ITEM = {
    "platform": "IOS", "status": "FAILED", "errorCode": "8", "errorMsg": "INVALID_TOKEN", "installationId": "C2Ii",
    "timeStamp": 1557819194426, "msgTitle": "Sepetin seni bekliyor", "msgText": "Bugün %10 indirim",
}  # fmt: skip


def pulled(item: Any, key: str = "") -> PulledRow:
    return row_of(Raw(json.dumps(item, ensure_ascii=False, indent=1).encode()), key)


def exported(*items: Any) -> list[tuple[MessageLog, str]]:
    """Read items as an export that holds them, line by line, and give each its id."""
    content = b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in items)
    ids, found = EventIds(), []
    for chunk in Export(BytesIO(content), "results.ndjson", len(content), PUSH_RESULT_FORMAT).chunks():
        for place in range(len(chunk.lines)):
            event = chunk.event(place)
            assert isinstance(event, MessageLog)
            found.append((event, ids.id_of(event, chunk.row(place))))
    return found


def test_the_line_is_the_item_in_the_canonical_shape() -> None:
    row = pulled(ITEM)
    line = json.loads(row.numbered(0))
    assert line == {**ITEM, "recordType": "MESSAGE_LOG", "id": row.digest.hex()}
    assert row.time_ms == ITEM["timeStamp"]
    assert b"\n" not in row.numbered(0)


def test_the_ids_are_those_that_the_same_rows_get_in_an_export() -> None:
    row = pulled(ITEM)
    assert [json.loads(row.numbered(ordinal))["id"] for ordinal in range(3)] == [
        event_id for _, event_id in exported(ITEM, ITEM, ITEM)
    ]


def test_matching_reads_the_line_as_it_reads_the_item() -> None:
    ((from_item, own),) = exported(ITEM)
    ((from_line, given),) = exported(json.loads(pulled(ITEM).numbered(0)))
    assert own == given
    assert msgspec.structs.replace(from_line, id=None) == from_item


def test_equal_rows_are_equal_however_they_are_written() -> None:
    shuffled = dict(sorted(ITEM.items(), reverse=True))
    assert pulled(shuffled).digest == pulled(ITEM).digest
    assert pulled({**ITEM, "timeStamp": "2019-05-14T07:33:14.426Z"}).digest == pulled(ITEM).digest
    assert pulled({**ITEM, "status": "SUCCESS"}).digest != pulled(ITEM).digest


def test_the_notification_that_was_asked_for_belongs_to_the_row_unless_it_says_its_own() -> None:
    assert json.loads(pulled(ITEM, "2345").line)["notificationKey"] == "2345"
    assert json.loads(pulled({**ITEM, "notificationKey": 7}, "2345").line)["notificationKey"] == 7
    assert pulled(ITEM, "2345").digest != pulled(ITEM, "2346").digest


def test_a_row_keeps_an_id_of_its_own_and_another_id_makes_another_row() -> None:
    first, second = pulled({**ITEM, "id": "a"}), pulled({**ITEM, "id": "b"})
    assert json.loads(first.numbered(0))["id"] == "a"
    assert first.digest != second.digest
    missing = pulled({**ITEM, "id": ""})
    assert missing.digest == pulled(ITEM).digest
    assert json.loads(missing.numbered(0))["id"] == missing.digest.hex()


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (42, "the row is JSON but not an object"),
        ([], "the row is JSON but not an object"),
        ({**ITEM, "timeStamp": "yesterday"}, "timestamp is not a time in any form that is accepted"),
        ({**ITEM, "extId": ["a"]}, "extId is neither text nor a number"),
    ],
)
def test_what_is_no_message_log_says_why(item: Any, fault: str) -> None:
    row = pulled(item)
    assert row.fault == fault
    assert json.loads(row.line) == item
    assert row.digest == pulled(item).digest


def test_a_row_without_a_time_is_a_message_log_all_the_same() -> None:
    row = pulled({"platform": "SMS", "extId": "CRM-1"})
    assert (row.fault, row.time_ms) == ("", None)
