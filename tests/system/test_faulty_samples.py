"""Each faulty sample ends exactly as expected.json says, alone in its folder."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest
from sample_exports import EXPECTED, SAMPLES, SampleDeployment, arrivals, dead_letters

from airflow_netmera_kinesis.errors import ExportError, NetmeraKinesisError
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint

FAULTY = SAMPLES / "faulty"
SET_ASIDE = {"malformed": "MALFORMED", "missing_user": "MISSING_USER_ID", "too_large": "TOO_LARGE"}
HOT = "one_hot_user.ndjson"
ENDS: dict[str, dict[str, int]] = {name: ends for name, ends in EXPECTED["faulty"].items() if "fails" not in ends}
FAILS: dict[str, str] = {name: ends["fails"] for name, ends in EXPECTED["faulty"].items() if "fails" in ends}


def letters_of(deployment: SampleDeployment, name: str) -> list[dict[str, Any]]:
    deployment.take(FAULTY / name)
    deployment.counted()
    return dead_letters(deployment.state)


def test_every_faulty_file_has_its_end_and_every_end_its_file() -> None:
    assert {path.name for path in FAULTY.iterdir()} == set(EXPECTED["faulty"])


@pytest.mark.parametrize("name", [name for name in ENDS if name != HOT])
def test_every_line_of_a_faulty_file_arrives_or_is_a_dead_letter(deployment: SampleDeployment, name: str) -> None:
    ends = ENDS[name]
    deployment.take(FAULTY / name)
    counts = deployment.counted()
    assert (counts["read"], counts["malformed"]) == (ends["read"], ends.get("malformed", 0))
    found = arrivals(deployment.kinesis)
    assert len(found) == ends["delivered"]
    assert {(arrival.stream, arrival.payload["hookName"]) for arrival in found} <= {("netmera-purchases", "purchases")}
    reasons = Counter({SET_ASIDE[end]: number for end, number in ends.items() if end in SET_ASIDE})
    assert Counter(letter["reason"] for letter in dead_letters(deployment.state)) == reasons
    assert deployment.run() is None


@pytest.mark.parametrize("name", FAILS)
def test_a_file_that_makes_no_sense_fails_the_run_by_its_name_and_nothing_is_sent(
    deployment: SampleDeployment, name: str
) -> None:
    deployment.take(FAULTY / name)
    with pytest.raises(NetmeraKinesisError, match=f"^{name}: .*{FAILS[name]}"):
        deployment.run()
    assert arrivals(deployment.kinesis) == []
    assert load_checkpoint(deployment.state).slice == ""


def test_a_good_file_waits_beside_a_bad_one_until_the_bad_one_is_set_aside(deployment: SampleDeployment) -> None:
    deployment.take(FAULTY / "truncated.ndjson.gz", FAULTY / "no_newline_at_end.ndjson")
    with pytest.raises(ExportError, match="truncated gzip"):
        deployment.run()
    assert arrivals(deployment.kinesis) == []
    current = deployment.planned()
    deployment.match(current)
    deployment.gate(current, on_bad_file="set_aside")
    deployment.send(current)
    counts = deployment.commit(current)
    assert (counts["files_set_aside"], counts["delivered"]) == (1, 20)
    assert len(arrivals(deployment.kinesis)) == 20


@pytest.mark.parametrize("name", [name for name in ENDS if set(ENDS[name]) & set(SET_ASIDE)])
def test_a_dead_letter_says_where_its_event_stands_and_holds_it(deployment: SampleDeployment, name: str) -> None:
    lines = (FAULTY / name).read_bytes().split(b"\n")
    for letter in letters_of(deployment, name):
        line = lines[letter["line"] - 1].removesuffix(b"\r")
        assert letter["file"] == name
        assert letter["message"]
        if "event_base64" in letter:
            assert base64.b64decode(letter["event_base64"]) == line
        elif name.endswith(".csv"):
            cells = line.decode().split(",")[:4]
            assert list(letter["event"].values())[: len(cells)] == cells
        elif letter["reason"] == "MALFORMED":
            assert letter["event"] == line.decode() or letter["event"] == json.loads(line)
        else:
            assert letter["event"] == json.loads(line)
            assert letter["event_id"] == letter["event"]["id"]


def test_a_line_that_is_no_event_belongs_to_no_hook(deployment: SampleDeployment) -> None:
    letters = letters_of(deployment, "broken_line.ndjson")
    assert [(letter["line"], letter["message"], letter["event"]) for letter in letters] == [
        (11, "the line is not JSON", '{"eventCode":"n:ph","userId":'),
        (12, "the line is JSON but not an object", []),
        (13, "the line is JSON but not an object", 42),
    ]
    assert not any("hook" in letter or "stream" in letter for letter in letters)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("missing_user.ndjson", 1, "the event has no userId"),
        ("empty_user.ndjson", 4, "the event has no userId"),
        ("oversize.ndjson", 2, "payload and key have more than the 1048576 bytes that the stream takes"),
    ],
)
def test_an_event_that_can_never_be_sent_names_its_hook_and_stream(
    deployment: SampleDeployment, name: str, line: int, message: str
) -> None:
    letter = next(letter for letter in letters_of(deployment, name) if letter["line"] == line)
    assert (letter["message"], letter["hook"], letter["stream"]) == (message, "purchases", "netmera-purchases")


def test_a_csv_row_is_kept_under_its_headings(deployment: SampleDeployment) -> None:
    no_time, short = letters_of(deployment, "bad_rows.csv")
    assert no_time["event"] == {
        "Event Name": "Purchase", "Event Code": "n:ph", "Timestamp": "not-a-time", "User ID": "u2",
        "External ID": "c2", "Email": "", "Parameters": "{}",
    }  # fmt: skip
    assert (no_time["line"], short["line"]) == (3, 4)
    assert short["message"] == "the row has 2 cells, the header 7"


def test_keys_that_are_too_long_are_hashed_and_never_merged(deployment: SampleDeployment) -> None:
    deployment.take(FAULTY / "long_user.ndjson")
    deployment.counted()
    found = {arrival.payload["userId"]: arrival.key for arrival in arrivals(deployment.kinesis)}
    assert found["k" * 256] == "k" * 256
    assert found["ğ" * 256] == "ğ" * 256
    assert len(set(found.values())) == 5
    hashed = [found[user] for user in ("k" * 257, "k" * 300 + "a", "k" * 300 + "b")]
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in hashed)


def test_a_number_as_user_id_becomes_its_decimal_text_exactly(deployment: SampleDeployment) -> None:
    deployment.take(FAULTY / "numbers_as_text.ndjson")
    deployment.counted()
    (arrival,) = arrivals(deployment.kinesis)
    assert arrival.key == arrival.payload["userId"] == arrival.payload["identities"]["userId"] == "12345678901234567890"
    assert arrival.payload["eventData"]["timestamp"] == 1_757_192_400_000


def test_flat_rest_style_arrives_in_the_shape_of_all_others(deployment: SampleDeployment) -> None:
    deployment.take(FAULTY / "flat_rest_style.ndjson")
    deployment.counted()
    (arrival,) = arrivals(deployment.kinesis)
    event_id = arrival.payload.pop("eventId")
    assert event_id
    assert arrival.payload == {
        "hookName": "purchases", "hookType": "KINESIS", "triggerType": "EVENT", "eventCode": "n:ph", "userId": "u-flat",
        "eventData": {
            "name": "Purchase", "timestamp": 1_757_192_400_000, "params": {"itemId": "4234", "channel": "Facebook"},
        },
        "identities": {"userId": "u-flat", "extId": "CRM-1"},
    }  # fmt: skip


def test_one_hot_user_keeps_the_order_of_three_thousand_events(deployment: SampleDeployment) -> None:
    deployment.take(FAULTY / HOT)
    counts = deployment.counted(partitions=3)
    assert (counts["read"], counts["delivered"]) == (ENDS[HOT]["read"], ENDS[HOT]["delivered"])
    found = [arrival.payload["eventData"]["params"]["n"] for arrival in arrivals(deployment.kinesis)]
    assert found == list(range(3_000))
