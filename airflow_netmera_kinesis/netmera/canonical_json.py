"""Write JSON in one form, so that equal content is equal bytes however an export has written it."""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical(value: object) -> bytes:
    """Compact UTF-8 with sorted keys. Values may be Raw in any place, compact by themselves."""
    try:
        return _encode(plain(value))
    except RecursionError:  # nested deeper than Python goes
        return _encode(as_written(value))


def compact(raw: msgspec.Raw | bytes) -> msgspec.Raw:
    """Take the white space between tokens away; texts and numbers stay byte for byte. Raises DecodeError."""
    return msgspec.Raw(msgspec.json.format(bytes(raw), indent=-1))


def plain(value: object) -> Any:
    """Turn Raw parts into what they say; a number beyond what Python's float holds stays as it is written."""
    if isinstance(value, msgspec.Raw):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return as_written(value)
    if isinstance(value, dict):
        return {name: part if isinstance(part, str) else plain(part) for name, part in value.items()}
    return value


def as_written(value: object) -> Any:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return {name: as_written(part) for name, part in value.items()} if isinstance(value, dict) else value
