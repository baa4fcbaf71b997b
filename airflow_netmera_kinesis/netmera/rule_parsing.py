"""Read what a hook says of its payloads, their hashes and their size, noting every fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_netmera_kinesis.fields import Fields
from airflow_netmera_kinesis.netmera.payload_path import ALLOWED, Every, Path, covers, overlap, parse_path
from airflow_netmera_kinesis.netmera.payload_rules import (
    ENVELOPE,
    EVENT_DATA,
    SECTIONS,
    KeySource,
    OnOversize,
    Oversize,
    PayloadRules,
)

SOURCES = ("conn_id", "variable")
OVERSIZE_ALLOWED = "dead_letter, fail, or {drop: [paths]}"
KEY_ALLOWED = "{conn_id: <a connection with the key as its password>} or {variable: <the name of a variable>}"
_DROP_AS_TEXT = re.compile(r"drop:\s*\[([^\[\]]*)\]")
_FAULTY = KeySource("", "")  # so that reading goes on


class Rules(NamedTuple):
    """The fields of a hook definition that are read here."""

    payload: PayloadRules
    oversize: Oversize
    hash_key: KeySource | None
    hash_partition_key: bool


def read_rules(fields: Fields, faults: list[str], key_of_all: KeySource | None, *, event: bool) -> Rules:
    """Read a hook's rules; ``event`` tells that its eventData has the members of an event, not a message log's own.

    ``key_of_all`` is what the whole file says of the key.
    """
    payload = _payload(fields, faults, event=event)
    hash_partition_key = fields.flag("hash_partition_key", default=False)
    source = key_source(fields, faults) or key_of_all
    hashes = bool(payload.hash) or hash_partition_key
    if hashes and source is None:
        fields.fault("hash_key", f"is missing, but something is hashed; allowed: {KEY_ALLOWED}")
    if "hash_key" in fields and not hashes:
        fields.fault("hash_key", "is given, but nothing is hashed; allowed: beside payload: {hash: [paths]}")
    return Rules(payload, _oversize(fields, faults, event=event), source if hashes else None, hash_partition_key)


def key_source(fields: Fields, faults: list[str]) -> KeySource | None:
    """Read ``hash_key``: where the key is kept."""
    if "hash_key" not in fields:
        return None
    given = fields["hash_key"]
    if not isinstance(given, Mapping) or len(given) != 1 or not set(given) <= set(SOURCES):
        # What stands there may be the key itself: it is not shown.
        fields.fault("hash_key", f"is not a reference to a key; allowed: {KEY_ALLOWED}, never the key itself")
        return _FAULTY
    (kind,) = given
    return KeySource(kind, Fields(given, f"{fields.where}: hash_key", faults).text(kind) or "")


def _payload(fields: Fields, faults: list[str], *, event: bool) -> PayloadRules:
    rules = Fields(fields.mapping("payload"), f"{fields.where}: payload", faults)
    rules.allow_only(["keep", "drop", "hash"])
    keep, drop, hashed = (_paths(rules, name, event=event) for name in ("keep", "drop", "hash"))
    for name, paths in (("keep", keep), ("hash", hashed)):
        for text, path in paths.items():
            for other, outer in drop.items():
                if covers(outer, path):
                    rules.fault(name, f"names {text!r}, which drop takes away with {other!r}; allowed: one of them")
    for text, path in hashed.items():
        for other, outer in hashed.items():
            if other != text and covers(outer, path):
                rules.fault("hash", f"names {text!r} and {other!r}, of which one lies in the other; allowed: one")
        if keep and not any(overlap(path, kept) for kept in keep.values()):
            rules.fault("hash", f"names {text!r}, which keep leaves out; allowed: what keep names too")
    return PayloadRules(tuple(keep), tuple(drop), tuple(hashed))


def _oversize(fields: Fields, faults: list[str], *, event: bool) -> Oversize:
    """A word, a mapping with ``drop``, or the same as text: ``drop:[paths]``."""
    if "oversize" not in fields:
        return Oversize()
    given = fields["oversize"]
    as_text = _DROP_AS_TEXT.fullmatch(given) if isinstance(given, str) else None
    if as_text:
        given = {"drop": [path.strip() for path in as_text[1].split(",")]}
    if isinstance(given, Mapping) and "drop" in given:
        inside = Fields(given, f"{fields.where}: oversize", faults)
        inside.allow_only(["drop"])
        return Oversize(OnOversize.DROP, tuple(_paths(inside, "drop", event=event)))
    if given not in (OnOversize.DEAD_LETTER.value, OnOversize.FAIL.value):
        fields.refuse("oversize", OVERSIZE_ALLOWED)
        return Oversize()
    return Oversize(OnOversize(given))


def _paths(rules: Fields, name: str, *, event: bool) -> dict[str, Path]:
    """Return the paths of one rule by what is written; what cannot be right is told and left out."""
    if name not in rules:
        return {}
    given = rules[name]
    if not isinstance(given, (list, tuple)) or not given:
        rules.refuse(name, "a list of one or more dotted paths")
        return {}
    paths: dict[str, Path] = {}
    for text in given:
        path = _path(text)
        if path is None:
            rules.fault(name, f"has {text!r}; allowed: {ALLOWED}")
        elif says := _why_not(path, name, event=event):
            rules.fault(name, f"has {text!r}{says}")
        elif text in paths:
            rules.fault(name, f"has {text!r} twice; allowed: each path once")
        else:
            paths[text] = path
    return paths


def _path(text: Any) -> Path | None:
    try:
        return parse_path(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _why_not(path: Path, name: str, *, event: bool) -> str:
    first = path[0]
    if first in ENVELOPE:
        if name == "keep" and len(path) == 1:
            return ""  # it stays anyway
        return f", and {first} is part of every payload; allowed: paths that begin with {', '.join(SECTIONS)}"
    if first not in SECTIONS:
        return f"; allowed: paths that begin with {', '.join(SECTIONS)}"
    if event and first == "eventData" and len(path) > 1 and path[1] not in (*EVENT_DATA, Every.NAME):
        return f"; allowed: eventData of an event has {', '.join(EVENT_DATA)}"
    return ""
