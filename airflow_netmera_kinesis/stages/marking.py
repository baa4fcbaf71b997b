"""Decide what became of each dead letter that a replay has sent, and mark it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from airflow_netmera_kinesis.state.dead_letter import StoredLetter, stored_letters
from airflow_netmera_kinesis.state.firing_set import FiringSet
from airflow_netmera_kinesis.state.ledger import sent_firings
from airflow_netmera_kinesis.state.replay_file import FOLDER, ReplayLetter, numbered_letters
from airflow_netmera_kinesis.state.replayed import Mark, Outcome, save_marks
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder

_Failed = dict[tuple[str, str, int], set[str | None]]  # the hooks, by origin, file and line


def mark_replayed(state: Folder, current: Slice) -> dict[str, int]:
    """Mark all letters of a replay that is sent to its end; return how many ended how.

    A letter whose hook does not want its event now is not marked: it stays open.
    """
    delivered, _ = sent_firings(state, current.id)
    failed = _failed_again(state, current.id)

    def outcome_of(number: int, each: ReplayLetter) -> Outcome | None:
        letter = each.letter
        hooks = failed.get((each.origin, letter.file, letter.line), set())
        if letter.hook in hooks or (letter.hook is None and hooks):
            return Outcome.DEAD_LETTER
        if _is_delivered(delivered, number, current):
            return Outcome.DELIVERED
        return Outcome.UNMATCHED if letter.hook is None else None

    ended = _mark(state, current, outcome_of)
    return {
        "letters": sum(ended.values()),
        "letters_delivered": ended[Outcome.DELIVERED],
        "letters_set_aside_again": ended[Outcome.DEAD_LETTER],
        "letters_unmatched": ended[Outcome.UNMATCHED] + ended[None],
    }


def mark_delivered(state: Folder, current: Slice) -> tuple[int, int]:
    """Mark what a replay that is given up has delivered; count the letters of which something was, or may be, sent.

    A line that never became an event may fire several hooks: it stays open, as nobody knows whether all were served.
    """
    delivered, unknown = sent_firings(state, current.id)
    doubtful = 0

    def outcome_of(number: int, each: ReplayLetter) -> Outcome | None:
        nonlocal doubtful
        if not _is_delivered(delivered, number, current):
            return None
        if each.letter.hook is None:
            doubtful += 1
            return None
        return Outcome.DELIVERED

    ended = _mark(state, current, outcome_of)
    return ended[Outcome.DELIVERED], doubtful + unknown


def _mark(
    state: Folder, current: Slice, outcome_of: Callable[[int, ReplayLetter], Outcome | None]
) -> Counter[Outcome | None]:
    ended: Counter[Outcome | None] = Counter()
    marks: dict[str, list[Mark]] = {}
    now_ms = state.now_ms()
    for number, each in numbered_letters(state.child(FOLDER), current.files[0].name):
        outcome = outcome_of(number, each)
        ended[outcome] += 1
        # None for an origin at all is written too: it replaces what a commit that was never finished has left there.
        of_origin = marks.setdefault(each.origin, [])
        if outcome is not None:
            letter = each.letter
            of_origin.append(Mark(letter.file, letter.line, letter.hook, outcome, now_ms, current.id))
    for origin, found in marks.items():
        save_marks(state, origin, current.id, found)
    return ended


def _is_delivered(delivered: FiringSet, number: int, current: Slice) -> bool:
    return any((0, number, hook) in delivered for hook in range(len(current.hooks)))


def _failed_again(state: Folder, slice_id: str) -> _Failed:
    failed: _Failed = {}
    for letter in _letters_of(state, slice_id):
        failed.setdefault((letter.replay_of or "", letter.file, letter.line), set()).add(letter.hook)
    return failed


def _letters_of(state: Folder, slice_id: str) -> Iterator[StoredLetter]:
    for info in list(state.list(f"dead_letters/{slice_id}/")):
        if info.name.endswith(".ndjson"):
            yield from stored_letters(state, info.name)
