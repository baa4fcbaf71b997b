from __future__ import annotations

import pytest

from airflow_netmera_kinesis.errors import StateError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.state import letter_archive
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, DeadLetterAppender, DeadLetterWriter, Reason
from airflow_netmera_kinesis.state.letter_archive import (
    dag_of,
    letters_in,
    note_letters,
    opened_in_order,
    replay_key,
    slices_with_letters,
)
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target, state_key
from airflow_netmera_kinesis.storage import Folder


def letter(file: str, line: int, message: str = "", hook: str | None = "purchases") -> DeadLetter:
    return DeadLetter(Reason.REFUSED, message, file, line, hook, event={"n": line})


def committed(state: Folder, slice_id: str, *files: str) -> None:
    exports = tuple(ExportFile(name, 1, 0) for name in files)
    done = Slice(slice_id, "/exports", exports, (), (), ExportFormat(), 1, "file", Target("r"), "", 0)
    note_letters(state, done)


def places(root: Folder, of_dag: str = "") -> list[tuple[str, str, int]]:
    found = slices_with_letters(root, of_dag)
    opened = opened_in_order(root, found)
    return [(at.slice, letter.file, letter.line) for at, files in opened for letter in letters_in(at, files)]


@pytest.mark.parametrize("fetched_bytes", [0, 100_000])
def test_letters_come_in_the_order_of_slices_files_and_lines_whoever_wrote_them(
    folder: Folder, fetched_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letter_archive, "FETCHED_BYTES", fetched_bytes)
    state = folder.child(state_key("acme", "/exports"))
    for slice_id in ("20260907-b", "20260906-a"):
        with DeadLetterWriter(state, slice_id, 0) as matched:
            for line in (9, 2):
                matched.write(letter("late.csv", line))
        sent = DeadLetterAppender(state, slice_id, "stream", 0)
        sent.append([letter("late.csv", 5), letter("early.csv", 70)])
        sent.close()
    committed(state, "20260906-a", "early.csv", "late.csv")
    with DeadLetterWriter(folder.child(state_key("other", "/exports")), "20260905-c", 0) as others:
        others.write(letter("x", 1))
    expected = [("early.csv", 70), ("late.csv", 2), ("late.csv", 5), ("late.csv", 9)]
    assert places(folder, "acme")[:4] == [("20260906-a", *place) for place in expected]
    assert {slice_id for slice_id, _, _ in places(folder)[4:]} == {"20260907-b", "20260905-c"}, "not committed: last"


def test_of_an_event_that_was_refused_twice_the_last_word_counts(folder: Folder) -> None:
    state = folder.child(state_key("acme", "/exports"))
    for message in ("first", "second"):
        sent = DeadLetterAppender(state, "20260906-a", "stream", 0)
        sent.append([letter("a.csv", 1, message), letter("a.csv", 1, "another hook", "logins")])
        sent.close()
    ((at, files),) = opened_in_order(folder, slices_with_letters(folder))
    assert [(each.hook, each.message) for each in letters_in(at, files)] == [
        ("logins", "another hook"), ("purchases", "second"),
    ]  # fmt: skip


def test_a_line_that_a_kill_cut_short_is_no_letter_and_one_that_was_spoilt_is_told(folder: Folder) -> None:
    state = folder.child(state_key("acme", "/exports"))
    name = "dead_letters/20260906-a/match-00000.ndjson"
    with DeadLetterWriter(state, "20260906-a", 0) as matched:
        matched.write(letter("a.csv", 1))
    whole = state.read(name)
    state.write(name, whole + whole[:20])
    assert len(places(folder)) == 1
    state.write(name, whole + b"edited\n")
    with pytest.raises(StateError, match=r"match-00000.ndjson in the state folder, line 2, is no dead letter"):
        places(folder)


@pytest.mark.parametrize("dag_id", ["acme", "replay-of-acme", "replay-of-" * 2, "x" * 80, "shop.eu-1"])
def test_the_letters_of_a_dags_replays_belong_to_the_dag(dag_id: str) -> None:
    own = state_key(dag_id, "/exports")
    assert dag_of(replay_key(dag_id)) == dag_of(own) == dag_id[:64]
    assert replay_key(dag_id) != own
