"""Write down what became of records before their keys go on: receipt, then ledger; dead letter, then ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from airflow_netmera_kinesis.delivery.order_proof import Break
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer
from airflow_netmera_kinesis.delivery.receipt import ReceiptLog, save_break
from airflow_netmera_kinesis.netmera.payload_rules import PayloadRules
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, DeadLetterAppender, Reason, event_fields
from airflow_netmera_kinesis.state.ledger import Ledger
from airflow_netmera_kinesis.state.replay_file import FOLDER as LETTERS
from airflow_netmera_kinesis.state.replay_file import LetterFile, following
from airflow_netmera_kinesis.state.slice import Purpose, Slice
from airflow_netmera_kinesis.storage import Folder


class StateJournal:
    """The journal of one stream and partition in the state folder.

    ``allow`` gets the number of dead letters of each hook at each new one, and raises when these are too many.
    ``check`` raises when the lease is lost: whoever has it now may have sent later records since, and receipts are
    kept in order. ``dead`` counts what was set aside, by hook and reason.
    """

    def __init__(
        self,
        state: Folder,
        current: Slice,
        stream: str,
        partition: int,
        ledger: Ledger,
        allow: Callable[[Mapping[int, int]], None] = lambda dead: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._allow = allow
        self._check = check
        self._state = state
        self._slice = current
        self._stream = stream
        self._partition = partition
        self._ledger = ledger
        self._receipts = ReceiptLog(state, current.id, stream, partition)
        self._letters = DeadLetterAppender(state, current.id, stream, partition)
        self._replayed: LetterFile | None = None  # a replay's only file
        self.dead: Counter[tuple[int, str]] = Counter()

    def delivered(self, receipts: list[tuple[Entry, EntryAnswer]]) -> None:
        """Append the receipts, then the ledger's entry: what the ledger knows has a receipt."""
        self._check()
        self._receipts.append(receipts)
        self._ledger.delivered(_firings([entry for entry, _ in receipts]))

    def unknown(self, entries: list[Entry]) -> None:
        """Append that the answer to these was lost."""
        self._ledger.unknown(_firings(entries))

    def refused(self, entry: Entry, code: str, message: str) -> None:
        """Store a dead letter for each firing, then tell the ledger."""
        self._set_aside(entry.records, Reason.REFUSED, f"{code}: {message}")

    def too_large(self, record: StagedRecord, message: str) -> None:
        """The same for a record that the stream does not take any more."""
        self._set_aside((record,), Reason.TOO_LARGE, message)

    def broken(self, entry: Entry, contradiction: Break) -> None:
        """Store both receipts and the firing that came later."""
        record = entry.records[0]
        about = {
            "reason": contradiction.reason,
            "earlier": contradiction.earlier,
            "later": contradiction.later,
            "file": self._slice.files[record.file].name,
            "line": record.line,
            "hook": self._slice.hooks[record.hook].name,
            "event_id": record.event_id,
        }
        save_break(self._state, self._slice.id, self._stream, self._partition, msgspec.to_builtins(about))

    def close(self) -> None:
        """End all files; receipts first, since the ledger must not know more than they do."""
        self._receipts.close()
        self._letters.close()
        self._ledger.close()

    def _set_aside(self, records: tuple[StagedRecord, ...], reason: Reason, message: str) -> None:
        firings = [(record.file, record.line, record.hook) for record in records]
        perhaps_stored = any(map(self._ledger.perhaps_stored, firings))
        for record in records:
            letter = self._letter_of(record, reason, message)
            stored = perhaps_stored or letter.perhaps_stored
            self._letters.append([msgspec.structs.replace(letter, perhaps_stored=stored)])
            self.dead[record.hook, reason.value] += 1
        self._ledger.dead(firings)
        self._allow(self._ledger.counts().dead)

    def _letter_of(self, record: StagedRecord, reason: Reason, message: str) -> DeadLetter:
        hook, file = self._slice.hooks[record.hook], self._slice.files[record.file].name
        if self._slice.purpose is Purpose.REPLAY:
            self._replayed = self._replayed or LetterFile(self._state.child(LETTERS), file)
            return following(
                self._replayed.letter(record.line), reason, message, hook.name, self._stream, record.event_id
            )
        return DeadLetter(
            reason=reason,
            message=message,
            file=file,
            line=record.line,
            hook=hook.name,
            stream=self._stream,
            is_payload=True,
            key=record.key,
            rules=hook.payload if hook.payload != PayloadRules() else None,
            event_id=record.event_id,
            **event_fields(record.payload),
        )


def _firings(entries: list[Entry]) -> list[tuple[int, int, int]]:
    return [(record.file, record.line, record.hook) for entry in entries for record in entry.records]
