"""Read the dotted paths that name parts of a payload, and tell how two of them lie to each other."""

from __future__ import annotations

import re
from enum import Enum
from itertools import zip_longest

import msgspec


class Every(Enum):
    """What stands for any name of an object, and for each element of a list."""

    NAME = "*"
    ELEMENT = "[]"


Path = tuple["str | Every", ...]

ALLOWED = (
    "a dotted path such as identities.email, userAttributes.* (every name) or eventData.params.items[].eb (each "
    'element of a list); a name with a dot, a bracket, a star or a quote in double quotes: userAttributes."home.city"'
)
_NAME = re.compile(r'\*|"(?:[^"\\]|\\.)*"|[^.\[\]*"\s](?:[^.\[\]*"]*[^.\[\]*"\s])?')
_ELEMENTS = re.compile(r"(?:\[\])*")


def parse_path(text: str) -> Path:
    """Raise ValueError for what is no path."""
    path: list[str | Every] = []
    place = 0
    while True:
        named = _NAME.match(text, place)
        if named is None:
            raise ValueError(text)
        path.append(_name(named[0]))
        elements = _ELEMENTS.match(text, named.end())
        assert elements is not None  # it matches nothing, too
        path.extend([Every.ELEMENT] * (len(elements[0]) // len(Every.ELEMENT.value)))
        place = elements.end()
        if place == len(text):
            return tuple(path)
        if text[place] != ".":
            raise ValueError(text)
        place += 1


def covers(outer: Path, inner: Path) -> bool:
    """Say whether whatever ``inner`` meets is, or lies in, something that ``outer`` meets."""
    pairs = zip_longest(outer, inner[: len(outer)])
    return all(one == other or (one is Every.NAME and isinstance(other, str)) for one, other in pairs)


def overlap(one: Path, other: Path) -> bool:
    """Say whether both can meet the same value, or one of them what lies in the other."""
    return all(_same(*names) for names in zip(one, other, strict=False))


def _name(token: str) -> str | Every:
    if token == Every.NAME.value:
        return Every.NAME
    if not token.startswith('"'):
        return token
    try:
        return msgspec.json.decode(token, type=str)
    except msgspec.DecodeError:
        raise ValueError(token) from None


def _same(one: str | Every, other: str | Every) -> bool:
    return one == other or ({type(one), type(other)} == {str, Every} and Every.NAME in (one, other))
