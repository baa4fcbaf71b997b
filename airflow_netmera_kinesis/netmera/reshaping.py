"""Leave out of a payload what a hook's rules say, and hide the rest of what they name; all else stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.netmera.hashing import HashKey
from airflow_netmera_kinesis.netmera.payload_path import Every, Path, parse_path
from airflow_netmera_kinesis.netmera.payload_rules import ENVELOPE, PayloadRules

Step = Callable[[Raw], "Raw | None"]  # what becomes of a value; None takes it away

_OBJECT, _LIST = b"{["
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_elements = msgspec.json.Decoder(list[Raw]).decode
_encode = msgspec.json.Encoder().encode
_USER_ID = ("userId",)


class CannotReshape(Exception):
    """A rule cannot be applied to a payload, which must not be sent as it is."""

    def __init__(self) -> None:
        super().__init__(
            "the rules of the hook cannot reach into the event: it is nested too deep, or a text in it is broken"
        )


def reshaper_of(rules: PayloadRules, key: HashKey | None) -> Reshaper | None:
    """Return None for rules that leave every payload as it is."""
    return Reshaper(rules, key) if rules != PayloadRules() else None


class Reshaper:
    """The rules of one hook, compiled once: ``reshape(body)`` for each payload."""

    def __init__(self, rules: PayloadRules, key: HashKey | None) -> None:
        steps: list[Step] = []
        if rules.keep:
            steps.append(_step([*map(parse_path, rules.keep), *((name,) for name in ENVELOPE)], _stay, _go))
        if rules.drop:
            steps.append(_step(_paths(rules.drop), _go, _stay))
        if rules.hash:
            if key is None:
                raise ConfigurationError("rules that hash need a key: hash_key is missing")
            steps.append(_step(_paths(rules.hash), _hashing(key), _stay))
        self._steps = tuple(steps)

    def __call__(self, body: bytes) -> bytes:
        """Return the body of a payload, which begins after its opening brace, as the rules leave it.

        :raises CannotReshape: it is nested too deep, or holds half a character
        """
        given = Raw(b"{" + body)
        left: Raw | None = given
        try:
            for step in self._steps:
                left = step(left) if left is not None else None
        except (RecursionError, msgspec.DecodeError):
            raise CannotReshape from None
        if left is None:
            raise CannotReshape  # never: the event's id stays
        return body if left is given else bytes(left)[1:]


def truncate(payload: bytes, paths: Sequence[str]) -> bytes:
    """Take what the paths name out of a whole payload, and add which of them met something as ``truncated``.

    :raises CannotReshape: the payload is as it was
    """
    whole, met = Raw(payload), []
    try:
        for path in paths:
            less = _step(_paths([path]), _go, _stay)(whole)
            if less is not None and less is not whole:
                whole = less
                met.append(path)
        if not met:
            return payload
        return _encode({**_members(whole), "truncated": met})
    except (RecursionError, msgspec.DecodeError):
        raise CannotReshape from None


def _paths(texts: Iterable[str]) -> list[Path]:
    """A rule for the user id holds in both places where a payload says it."""
    paths = [parse_path(text) for text in texts]
    return [*paths, ("identities", *_USER_ID)] if _USER_ID in paths else paths


def _step(paths: Sequence[Path], act: Step, otherwise: Step) -> Step:
    """``act`` on what the paths name, ``otherwise`` on what none of them names or leads to."""
    if not paths or () in paths:
        return act if paths else otherwise

    def below(*segments: str | Every) -> Step:
        return _step([path[1:] for path in paths if path[0] in segments], act, otherwise)

    names = {path[0] for path in paths if isinstance(path[0], str)}
    return _Inside(
        {name: below(name, Every.NAME) for name in names}, below(Every.NAME), below(Every.ELEMENT), otherwise
    )


class _Inside:
    """Look into an object or a list; what a rule has emptied goes as well."""

    __slots__ = ("_element", "_looks_into_objects", "_named", "_other", "_otherwise")

    def __init__(self, named: dict[str, Step], other: Step, element: Step, otherwise: Step) -> None:
        self._named, self._other, self._element, self._otherwise = named, other, element, otherwise
        self._looks_into_objects = bool(named) or other is not otherwise

    def __call__(self, value: Raw) -> Raw | None:
        opening = memoryview(value)[0]
        if opening == _OBJECT and self._looks_into_objects:
            return self._object(value)
        if opening == _LIST and self._element is not self._otherwise:
            return self._list(value)
        return self._otherwise(value)

    def _object(self, value: Raw) -> Raw | None:
        named, other = self._named, self._other
        members = _members(value)
        left: dict[str, Raw] = {}
        changed = False
        for name, part in members.items():
            step = named.get(name, other)
            became = part if step is _stay else step(part)
            if became is not part:
                changed = True
                if became is None:
                    continue
            left[name] = became
        if changed and not left:
            return None
        # A name that an export gives twice goes too: a consumer might read the first one, which no rule has seen.
        written = _encode(left)
        return Raw(written) if changed or len(written) != len(memoryview(value)) else value

    def _list(self, value: Raw) -> Raw | None:
        elements = _elements(value)
        became = [self._element(element) for element in elements]
        if all(one is other for one, other in zip(elements, became, strict=True)):
            return value
        left = [element for element in became if element is not None]
        return Raw(_encode(left)) if left else None


def _stay(value: Raw) -> Raw | None:
    return value


def _go(value: Raw) -> Raw | None:
    return None


def _hashing(key: HashKey) -> Step:
    def hashed(value: Raw) -> Raw | None:
        return value if bytes(value) == b"null" else Raw(b'"%b"' % key.of_json(value).encode())

    return hashed
