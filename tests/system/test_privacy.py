"""Whatever happens in a run, Airflow keeps no event, no id of a user, no key and no secret of it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from airflow_session import LOGIN, PASSWORD, Run, Workplace
from sample_exports import SAMPLES, STREAMS, arrivals, dead_letters

from airflow_netmera_kinesis.testing import Faults
from airflow_netmera_kinesis.testing.faults import RecordFate
from demo.export import events

EVENTS = sorted((SAMPLES / "events").iterdir())
# Files whose lines end in every way that a line can.
FAULTY = [path for path in (SAMPLES / "faulty").iterdir() if path.name not in ("empty.ndjson", "one_hot_user.ndjson")]
FAILING = [path for path in FAULTY if path.name in ("truncated.ndjson.gz", "mostly_broken.ndjson")]
SENT = [*EVENTS, *(path for path in FAULTY if path not in FAILING and path.name != "no_line_readable.ndjson")]
# What ids look like here, so that one pass finds them all; one that is found is then looked up.
SHAPES = [rb"u[0-9a-f]{8}", rb"[ef]0000\d{1,6}", rb"CRM-\d{7}", rb"user\d+@", rb"90500\d{7}", rb"[0-9a-f]{16}"]
FRAGMENTS = [
    "eventData", "userAttributes", "SKU-", "utm_source", "Ürün", "Ana Sayfa", "satır", "Muğla", "u-flat", "kkkkkkkk",
    "xxxxxxxx", "12345678901234567890", "not-a-time", '"screen"', '\\"screen', "example.invalid", "partitionKey",
]  # fmt: skip


@pytest.fixture(scope="module")
def personal() -> set[bytes]:
    values = {value.encode() for file in EVENTS for event in events(file) for value in ids_of(event)}
    assert len(values) > 2_500
    return values


def ids_of(event: Mapping[str, Any]) -> Iterator[str]:
    identities = event["identities"]
    yield from (event["userId"], event["id"], identities["extId"], identities["installationId"])
    yield from (identities[name] for name in ("msisdn",) if name in identities)


def found_in(written: bytes, personal: set[bytes]) -> set[bytes]:
    seen = {match[1] for shape in SHAPES for match in re.finditer(rb"(?=(" + shape + rb"))", written)}
    return seen & personal


def assert_nothing_personal(written: bytes, personal: set[bytes]) -> None:
    assert found_in(written, personal) == set()
    assert re.search(rb"user\d+@", written) is None
    for fragment in FRAGMENTS:
        assert fragment.encode() not in written, fragment
        assert json.dumps(fragment)[1:-1].encode() not in written, fragment
    for key in (LOGIN, PASSWORD, PASSWORD.replace("/", "%2F").replace("+", "%2B")):
        assert key.encode() not in written


def unlucky(workplace: Workplace) -> Run:
    """Run the samples while Kinesis rejects, loses answers and refuses two users for good."""
    users = [event["userId"] for event in events(EVENTS[0]) if event["eventCode"] == "n:sv"][:2]
    workplace.kinesis.faults = Faults(rejected=0.05, keys=dict.fromkeys(users, RecordFate.UNHEARD_OF))
    workplace.kinesis.core.inject("dropped_after", "error_500_after", "throttled", "kms_throttled")
    workplace.take(*SENT)
    return workplace.run()


def test_the_search_finds_what_it_is_for(personal: set[bytes]) -> None:
    for file in EVENTS:
        written = json.dumps(list(events(file)), ensure_ascii=False).encode()
        assert len(found_in(written, personal)) > 1_000


def test_nothing_of_events_that_were_rejected_lost_or_set_aside_is_left_in_airflow(
    workplace: Workplace, personal: set[bytes]
) -> None:
    run = unlucky(workplace)
    assert run.state == "success", run.log
    letters = dead_letters(workplace.state())
    assert {letter["reason"] for letter in letters} == {"MALFORMED", "MISSING_USER_ID", "TOO_LARGE", "REFUSED"}
    assert sum(workplace.kinesis.books.counts(stream).unanswered for stream in STREAMS) > 0
    assert len(arrivals(workplace.kinesis)) > 471
    assert_nothing_personal(workplace.airflow.written(), personal)


def test_nothing_of_them_is_left_by_runs_that_fail(workplace: Workplace, personal: set[bytes]) -> None:
    workplace.take(*EVENTS, *FAULTY)
    run = workplace.run()
    assert run.tasks["gate"] == ["failed"]
    workplace.exports.joinpath("no_line_readable.ndjson").unlink()
    workplace.kinesis.faults = Faults(unheard_of=1.0)
    run = workplace.run(on_bad_file="set_aside", max_malformed="100%", max_dead_letters="20%")
    assert run.tasks["send"] == ["failed"], run.log
    workplace.kinesis.faults = Faults(access_denied=1.0)
    run = workplace.run(on_bad_file="set_aside", max_malformed="100%", max_dead_letters="100%")
    assert run.tasks["send"] == ["failed"], run.log
    assert_nothing_personal(workplace.airflow.written(), personal)


def test_xcoms_hold_references_and_counts_alone(workplace: Workplace) -> None:
    workplace.take(EVENTS[1])
    assert workplace.run(partitions=2).state == "success"
    with sqlite3.connect(workplace.airflow.home / "airflow.db") as database:
        rows = database.execute(
            "SELECT value FROM xcom WHERE dag_id = 'acme_once' AND key = 'return_value' AND run_id = "
            "(SELECT run_id FROM dag_run WHERE dag_id = 'acme_once' ORDER BY id DESC LIMIT 1)"
        ).fetchall()
    returned = [json.loads(value) for (value,) in rows]
    references = [item for value in returned for item in (value if isinstance(value, list) else [value])]
    assert len(references) == 8  # of plan, preflight, match, gate twice, send twice and commit
    (slice_id,) = {reference.pop("slice") for reference in references}
    assert re.fullmatch(r"\d{8}-[0-9a-f]{20}", slice_id)
    assert all(isinstance(count, int) for reference in references for count in reference.values())
