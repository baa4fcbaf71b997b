"""Decide what a hook may leave out of its payloads, hide in them, or do with one that is too large."""

from __future__ import annotations

from enum import Enum

import msgspec

# Consumers dedupe and dispatch by these: no rule takes them away.
ENVELOPE = ("hookName", "hookType", "triggerType", "eventCode", "eventId")
SECTIONS = ("userId", "eventData", "userAttributes", "identities")
EVENT_DATA = ("name", "timestamp", "revenue", "params", "device")  # of an event; a message log's are its own


class PayloadRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """Dotted paths as they are written: first only what ``keep`` names stays, then ``drop`` goes, then ``hash``."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()


class OnOversize(str, Enum):
    """What becomes of an event whose record is too large for its stream."""

    DEAD_LETTER = "dead_letter"
    FAIL = "fail"
    DROP = "drop"


class Oversize(msgspec.Struct, frozen=True, omit_defaults=True):
    """``drop`` are the paths that go, all of them, before the record is looked at again."""

    action: OnOversize = OnOversize.DEAD_LETTER
    drop: tuple[str, ...] = ()


class KeySource(msgspec.Struct, frozen=True):
    """Where the key of a hook's hashes is kept: the password of a connection, or a variable. Never the key itself."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{'connection' if self.kind == 'conn_id' else 'variable'} {self.name!r}"
