"""Do what people write first. None of it keeps a user's order, builds a payload, or keeps receipts."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

from benchmarks.exports import CODES
from benchmarks.job import Figures, timed
from benchmarks.sink import STREAM, client

REQUEST_RECORDS = 500


def put_records_by_500(exports: str, endpoint_url: str) -> Figures:
    """(a) boto3 put_records by 500, with orjson."""
    import orjson

    kinesis = client(endpoint_url)
    figures: Figures = {"matched": 0}
    request: list[dict[str, object]] = []

    def put() -> None:
        kinesis.put_records(Records=request, StreamName=STREAM)
        figures["matched"] += len(request)
        request.clear()

    with timed(figures, "all"), _file(exports).open("rb") as lines:
        for line in lines:
            event = orjson.loads(line)
            if event["eventCode"] in CODES:
                request.append({"Data": orjson.dumps(event), "PartitionKey": event["userId"]})
                if len(request) == REQUEST_RECORDS:
                    put()
        if request:
            put()
    return figures


def put_record_one_by_one(exports: str, endpoint_url: str, matched: int) -> Figures:
    """(b) boto3 put_record, one by one, with json."""
    kinesis = client(endpoint_url)
    figures: Figures = {"matched": 0}
    with timed(figures, "all"), _file(exports).open("rb") as lines:
        events = (event for line in lines if (event := json.loads(line))["eventCode"] in CODES)
        for event in itertools.islice(events, matched):
            kinesis.put_record(StreamName=STREAM, Data=json.dumps(event).encode(), PartitionKey=event["userId"])
            figures["matched"] += 1
    return figures


def csv_to_payload(exports: str) -> Figures:
    """The csv and json of the standard library, from a row to the bytes of a payload."""
    figures: Figures = {"rows": 0, "matched": 0}
    with timed(figures, "all"), _file(exports).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            figures["rows"] += 1
            if row["Event Code"] in CODES:
                row["Parameters"] = json.loads(row["Parameters"])
                json.dumps(row).encode()
                figures["matched"] += 1
    return figures


def _file(exports: str) -> Path:
    (file,) = Path(exports).iterdir()
    return file
