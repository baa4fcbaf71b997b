"""Decide what stands for no value in an export: nothing, white space, and the literal null."""

from __future__ import annotations

import msgspec

_MISSING = (b"null", b'""', b'"null"')
_QUOTE = ord('"')


def is_missing(text: str) -> bool:
    """Netmera leaves a missing cell empty on one page of its documentation and writes ``null`` on another."""
    return not text or text == "null" or text.isspace()


def is_missing_json(raw: msgspec.Raw) -> bool:
    """The same for a JSON value: ``null`` itself, or a text that is missing."""
    token = bytes(raw)
    if token in _MISSING:
        return True
    return token[0] == _QUOTE and is_missing(msgspec.json.decode(token, type=str))
