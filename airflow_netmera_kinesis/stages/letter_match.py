"""Match dead letters again: each fires the hook that it was set aside for, or any if it never became an event."""

from __future__ import annotations

from airflow_netmera_kinesis.exports.chunk import Chunk, Unreadable
from airflow_netmera_kinesis.netmera.event import Event, MessageLog
from airflow_netmera_kinesis.netmera.fitting import Excess
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.partition_key import partition_of
from airflow_netmera_kinesis.netmera.payload import body_of
from airflow_netmera_kinesis.netmera.payload_rules import PayloadRules
from airflow_netmera_kinesis.netmera.reshaping import CannotReshape
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.file_match import FileMatch
from airflow_netmera_kinesis.stages.firing import HookFirings
from airflow_netmera_kinesis.stages.letter_export import LetterChunk
from airflow_netmera_kinesis.state.dead_letter import Reason, StoredLetter
from airflow_netmera_kinesis.state.replay_file import following


class LetterMatch(FileMatch):
    """The letters of one replay. One that fails again keeps its place and its event, whatever it fails for now."""

    def _take(self, chunk: Chunk) -> None:
        assert isinstance(chunk, LetterChunk)
        self._chunk = chunk
        super()._take(chunk)

    def _fire(self, chunk: Chunk, skip: int) -> None:
        matcher, hooks = self._tally.matcher, self._tally.hooks
        for place in chunk.candidates(self._tally.wanted):
            event, letter = chunk.event(place), self._chunk.letters[place].letter
            fired = [index for index in matcher.firings(event) if letter.hook in (None, hooks[index].name)]
            event_id = self._ids.id_of(event, chunk.row(place))
            body = body_of(event, matcher.code_of(event), event_id)
            for index in fired:
                if is_shaped(letter):
                    self._stage_shaped(index, event, event_id, letter, place)
                else:
                    self._stage(index, event, event_id, body, chunk, place)

    def _stage_shaped(
        self, index: int, event: Event | MessageLog, event_id: str, letter: StoredLetter, place: int
    ) -> None:
        """A payload that rules have shaped tells no event: it goes as it is, shaped by what may be applied twice."""
        hook = self._tally.hooks[index]
        hook.firings += 1
        key = letter.key or ""
        try:
            payload = b"{" + hook.reshape_again(bytes(letter.event)[1:], letter.rules or PayloadRules())
        except CannotReshape as error:
            self._set_aside(hook, Reason.MALFORMED, str(error), event_id, self._chunk, place)
            return
        if excess := hook.excess(key, payload):
            fitted = self._fit(hook, key, payload, excess, self._chunk.lines[place])
            if isinstance(fitted, Excess):
                self._set_aside(hook, Reason.TOO_LARGE, str(fitted), event_id, self._chunk, place)
                return
            payload = fitted
        hook.staged += 1
        record = StagedRecord(self._index, self._chunk.lines[place], index, key, payload, event_id, event.time_ms)
        self._records.write(hook.stream, partition_of(key, self._tally.partitions), record)

    def _set_line_aside(self, line: Unreadable) -> None:
        found = self._chunk.unreadable[line.line]
        self._dead_letters.write(following(found, Reason.MALFORMED, line.message))

    def _set_aside(
        self, hook: HookFirings, reason: Reason, message: str, event_id: str, chunk: Chunk, place: int
    ) -> None:
        hook.set_aside(reason)
        letter = following(self._chunk.letters[place], reason, message, hook.name, hook.stream, event_id)
        self._dead_letters.write(letter)


def is_shaped(letter: StoredLetter) -> bool:
    """Say whether a refused payload lacks something of its event, or hides it."""
    return letter.is_payload and (letter.rules is not None or b'"truncated":[' in bytes(letter.event))


def hides_by_other_rules(letter: StoredLetter, hook: HookDefinition) -> bool:
    """Say whether a payload holds hashes which the hook's present rules would not make: nobody can undo them."""
    hashed = letter.rules.hash if letter.rules is not None else ()
    return bool(hashed) and hashed != hook.payload.hash
