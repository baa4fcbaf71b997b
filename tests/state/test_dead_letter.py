from __future__ import annotations

import base64
import json

import pytest

from airflow_netmera_kinesis.state.dead_letter import (
    DeadLetter,
    DeadLetterAppender,
    DeadLetterWriter,
    Reason,
    event_fields,
    read_dead_letters,
)
from airflow_netmera_kinesis.storage import Folder


def letter(line: int = 1, content: bytes = b'{"eventCode": "n:ph"}') -> DeadLetter:
    return DeadLetter(Reason.MISSING_USER_ID, "no user id", "a.ndjson", line, "purchases", "s", **event_fields(content))


def test_a_line_holds_reason_message_place_hook_stream_and_the_event_itself(folder: Folder) -> None:
    with DeadLetterWriter(folder, "slice", 7) as letters:
        letters.write(letter(3))
    assert letters.name == "dead_letters/slice/match-00007.ndjson"
    assert json.loads(folder.read(letters.name)) == {
        "reason": "MISSING_USER_ID",
        "message": "no user id",
        "file": "a.ndjson",
        "line": 3,
        "hook": "purchases",
        "stream": "s",
        "event": {"eventCode": "n:ph"},
    }


@pytest.mark.parametrize(
    ("content", "field", "value"),
    [
        (b'{"n": 1.50, "t": "\\u0041"}', "event", {"n": 1.5, "t": "A"}),
        (b'{\n  "a": [1,\n 2]\n}', "event", {"a": [1, 2]}),
        (b'{"a":', "event", '{"a":'),
        (b"ayse;2026-09-06", "event", "ayse;2026-09-06"),
        (b"", "event", ""),
        (b'{"a": "\xff"}', "event_base64", base64.b64encode(b'{"a": "\xff"}').decode()),
    ],
)
def test_the_event_is_kept_as_it_came_whatever_it_is_and_on_one_line(
    folder: Folder, content: bytes, field: str, value: object
) -> None:
    with DeadLetterWriter(folder, "slice", 0) as letters:
        letters.write(letter(1, content))
    (line,) = folder.read(letters.name).splitlines()
    assert json.loads(line)[field] == value


def test_a_row_is_kept_as_a_mapping() -> None:
    row = DeadLetter(Reason.MALFORMED, "no time", "a.csv", 2, event={"User ID": "ayse", "Date": ""})
    assert row.event == {"User ID": "ayse", "Date": ""}


def test_a_group_matched_again_replaces_its_letters_and_leaves_no_file_without_any(folder: Folder) -> None:
    with DeadLetterWriter(folder, "slice", 0) as letters:
        letters.write(letter(1))
        letters.write(letter(2))
    with DeadLetterWriter(folder, "slice", 0) as letters:
        letters.write(letter(2))
    assert [each.line for each in read_dead_letters(folder, letters.name)] == [2]
    with DeadLetterWriter(folder, "slice", 0):
        pass
    assert list(folder.list()) == []


def test_a_writer_that_fails_leaves_the_earlier_letters_as_they_are(folder: Folder) -> None:
    with DeadLetterWriter(folder, "slice", 0) as letters:
        letters.write(letter(1))

    def fail() -> None:
        with DeadLetterWriter(folder, "slice", 0) as letters:
            letters.write(letter(9))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [each.line for each in read_dead_letters(folder, letters.name)] == [1]


def test_each_send_task_appends_to_files_of_its_own_and_each_letter_is_stored_at_once(folder: Folder) -> None:
    letters = DeadLetterAppender(folder, "slice", "purchases", 3)
    letters.append([letter(1), letter(2)])
    (stored,) = folder.list("dead_letters/")
    assert stored.name == "dead_letters/slice/send-purchases-0003.000001.ndjson"
    assert [each.line for each in read_dead_letters(folder, stored.name)] == [1, 2]
    letters.close()


def test_a_record_refused_after_a_lost_answer_is_marked(folder: Folder) -> None:
    refused = DeadLetter(Reason.REFUSED, "InvalidArgument", "a.ndjson", 1, event={}, perhaps_stored=True)
    letters = DeadLetterAppender(folder, "slice", "purchases", 0)
    letters.append([refused])
    letters.close()
    (stored,) = folder.list()
    assert json.loads(folder.read(stored.name))["PERHAPS_STORED"] is True
    assert next(read_dead_letters(folder, stored.name)).perhaps_stored


def test_a_last_line_cut_short_by_a_kill_is_left_out(folder: Folder) -> None:
    folder.write("a.ndjson", b'{"reason":"REFUSED","message":"m","file":"f","line":1}\n{"reason":"REF')
    assert [each.line for each in read_dead_letters(folder, "a.ndjson")] == [1]
