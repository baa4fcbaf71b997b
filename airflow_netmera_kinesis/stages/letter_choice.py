"""Choose the dead letters that a replay sends, and say of all others that were meant why they are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from airflow_netmera_kinesis.again_request import ReplayRequest
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.letter import LetterReader
from airflow_netmera_kinesis.netmera.event import Malformed
from airflow_netmera_kinesis.netmera.event_id import EventIds
from airflow_netmera_kinesis.stages.found_letters import FoundLetter, Status, find_slices, letters_by_slice, meant_by
from airflow_netmera_kinesis.stages.letter_match import hides_by_other_rules
from airflow_netmera_kinesis.state.dead_letter import StoredLetter
from airflow_netmera_kinesis.state.letter_archive import SliceLetters, SliceNote
from airflow_netmera_kinesis.state.replay_file import ReplayLetter, write_head, write_letters
from airflow_netmera_kinesis.storage import Folder

AGAIN = (Status.DELIVERED, Status.UNMATCHED)


class Chosen(msgspec.Struct):
    """How many letters are sent, how many of these are perhaps stored, and how many are left, by the reason."""

    letters: int = 0
    perhaps_stored: int = 0
    left: Counter[str] = msgspec.field(default_factory=Counter)
    date: str = ""


def write_choice(root: Folder, request: ReplayRequest, file: BinaryIO) -> Chosen:
    """Write the letters that are to be sent, in the order of their events."""
    slices = find_slices(root, request.letters)
    formats = _formats(slices, request.export_format)
    chosen = Chosen()
    write_head(file, formats)
    for at, found in letters_by_slice(root, slices):
        number = formats.index(_format_of(at.note, request.export_format)) if at.note else 0
        letters = (each.letter for each in _wanted(found, LetterReader(formats[number]), request, chosen))
        write_letters(file, (ReplayLetter(at.origin, number, letter) for letter in letters))
    return chosen


def _wanted(
    letters: Iterable[FoundLetter], reader: LetterReader, request: ReplayRequest, chosen: Chosen
) -> Iterator[FoundLetter]:
    is_meant = meant_by(request.letters)
    numbered = Numbered(reader)
    for found in letters:
        letter = numbered.with_id(found.letter)
        if not is_meant(letter):
            continue
        if why := _why_left(found, request):
            chosen.left[why] += 1
            continue
        chosen.letters += 1
        chosen.perhaps_stored += letter.perhaps_stored
        chosen.date = chosen.date or found.at.slice[:8]
        yield msgspec.structs.replace(found, letter=letter)


class Numbered:
    """Gives ids to lines that can be read only now: of equal ones each has another, whichever of them are sent."""

    def __init__(self, reader: LetterReader) -> None:
        self._reader = reader
        self._file, self._ids = "", EventIds()

    def with_id(self, letter: StoredLetter) -> StoredLetter:
        """Return the letter with its id; ask for all letters of a slice in their order."""
        if letter.event_id is not None:
            return letter
        if letter.file != self._file:
            self._file, self._ids = letter.file, EventIds()
        try:
            event = self._reader.event_of(letter)
        except Malformed:
            return letter
        return msgspec.structs.replace(letter, event_id=self._ids.id_of(event, letter.line))


def _why_left(found: FoundLetter, request: ReplayRequest) -> str:
    """Say why a letter is not sent, or nothing."""
    if found.status is not Status.OPEN and not (request.letters.again and found.status in AGAIN):
        return str(found.status.value)
    hooks = {hook.name: hook for hook in request.terms.hooks}
    letter = found.letter
    if letter.hook is None:
        return ""
    hook = hooks.get(letter.hook)
    if hook is None:
        return f"hook {letter.hook} is not among the definitions"
    if not hook.active:
        return f"hook {letter.hook} is inactive"
    if hides_by_other_rules(letter, hook):
        return f"hook {letter.hook} hashes otherwise now: send the export again instead (netmera_resend)"
    return ""


def _formats(slices: Sequence[SliceLetters], present: ExportFormat | None) -> list[ExportFormat]:
    """Return each format once; ExportFormat is not hashable."""
    formats: list[ExportFormat] = []
    for at in slices:
        if at.note and (found := _format_of(at.note, present)) not in formats:
            formats.append(found)
    return formats or [ExportFormat()]


def _format_of(note: SliceNote, present: ExportFormat | None) -> ExportFormat:
    """What is said now counts, but for what the files hold: message logs stay message logs."""
    then = note.export_format
    return then if present is None else msgspec.structs.replace(present, record_type=then.record_type)
