"""Decide what stands for no value in an export: nothing, white space, and the literal null."""

from __future__ import annotations

import msgspec

NO_VALUE = ("", "null")
_NO_JSON_VALUE = (b"null", b'""', b'"null"')
_QUOTE = ord('"')


def is_missing(text: str) -> bool:
    """Netmera leaves a missing cell empty on one page of its documentation and writes ``null`` on another."""
    return text in NO_VALUE or text.isspace()


def is_missing_json(raw: msgspec.Raw) -> bool:
    """The same for a JSON value: ``null`` itself, or a text that is missing."""
    token = bytes(raw)
    if token in _NO_JSON_VALUE:
        return True
    return token[0] == _QUOTE and is_missing(msgspec.json.decode(token, type=str))
