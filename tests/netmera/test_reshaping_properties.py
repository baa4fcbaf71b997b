"""Whatever the payload and the paths: what a plain reading of the rules leaves is what is left."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.netmera.hashing import HashKey
from airflow_netmera_kinesis.netmera.payload_path import Every, Path, parse_path
from airflow_netmera_kinesis.netmera.payload_rules import PayloadRules
from airflow_netmera_kinesis.netmera.reshaping import Reshaper

GONE = object()
KEY = HashKey("a key of the customer's own")
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(-9, 9), st.sampled_from(["", "x", "ş"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=12,
)
TOPS = st.sampled_from(["userAttributes", "eventData"])
PAYLOADS = st.dictionaries(TOPS, VALUES)
TAILS = st.lists(st.sampled_from([".a", ".b", ".*", "[]"]), max_size=3).map("".join)
PATHS = st.lists(st.builds(str.__add__, TOPS, TAILS), min_size=1, max_size=3, unique=True)


def named(paths: list[Path], segment: str | Every) -> list[Path]:
    also = Every.NAME if isinstance(segment, str) else segment
    return [path[1:] for path in paths if path and path[0] in (segment, also)]


def dropped(value: Any, paths: list[Path]) -> Any:
    if () in paths:
        return GONE
    if isinstance(value, dict):
        left: Any = {name: dropped(part, named(paths, name)) for name, part in value.items()}
        left = {name: part for name, part in left.items() if part is not GONE}
    elif isinstance(value, list):
        left = [part for part in (dropped(each, named(paths, Every.ELEMENT)) for each in value) if part is not GONE]
    else:
        return value
    return left if left or not value else GONE


def kept(value: Any, paths: list[Path]) -> Any:
    if () in paths:
        return value
    left: Any = GONE
    if isinstance(value, dict) and any(path[0] is not Every.ELEMENT for path in paths):
        left = {name: kept(part, named(paths, name)) for name, part in value.items()}
        left = {name: part for name, part in left.items() if part is not GONE}
    elif isinstance(value, list) and any(path[0] is Every.ELEMENT for path in paths):
        left = [part for part in (kept(each, named(paths, Every.ELEMENT)) for each in value) if part is not GONE]
    return left if left is GONE or left or not value else GONE


def reshaped(payload: dict[str, Any], **rules: list[str]) -> Any:
    reshape = Reshaper(PayloadRules(**{name: tuple(paths) for name, paths in rules.items()}), KEY)
    body = json.dumps({**payload, "eventId": "e"}, ensure_ascii=False, separators=(",", ":")).encode()[1:]
    return json.loads(b"{" + reshape(body))


@given(PAYLOADS, PATHS)
def test_drop(payload: dict[str, Any], paths: list[str]) -> None:
    assert reshaped(payload, drop=paths) == dropped({**payload, "eventId": "e"}, [parse_path(path) for path in paths])


@given(PAYLOADS, PATHS)
def test_keep(payload: dict[str, Any], paths: list[str]) -> None:
    stays = [*(parse_path(path) for path in paths), ("eventId",)]
    assert reshaped(payload, keep=paths) == kept({**payload, "eventId": "e"}, stays)


@given(PAYLOADS, PATHS)
def test_what_drop_takes_away_is_what_hash_hides(payload: dict[str, Any], paths: list[str]) -> None:
    hidden = reshaped(payload, hash=paths)
    assert reshaped(hidden, drop=paths) == reshaped(payload, drop=paths)
