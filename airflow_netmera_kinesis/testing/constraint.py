"""Decide which requests are refused before anybody looks at the stream, in AWS' own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

import msgspec

from airflow_netmera_kinesis.testing.refusal import Refused
from airflow_netmera_kinesis.testing.request import Entry, Request, wire_name

_MAX_ERRORS_SHOWN = 10


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """The rules for one field; a field that is not given breaks none but ``required``."""

    required: bool = False
    length: tuple[int, int] | None = None
    value: tuple[int, int] | None = None
    pattern: str = ""
    choices: tuple[str, ...] = ()

    def broken_by(self, given: object) -> Iterator[str]:
        """Name each rule that ``given`` breaks."""
        if given is None:
            if self.required:
                yield "Member must not be null"
        elif self.length and isinstance(given, (str, list)):
            yield from _outside(len(given), self.length, "length")
        elif self.value and isinstance(given, int):
            yield from _outside(given, self.value, "value")
        if isinstance(given, str):
            if self.pattern and not re.fullmatch(self.pattern, given):
                yield f"Member must satisfy regular expression pattern: {self.pattern}"
            if self.choices and given not in self.choices:
                yield f"Member must satisfy enum value set: [{', '.join(self.choices)}]"


def check(request: Request, rules: Mapping[str, Constraint]) -> None:
    """Refuse a request that breaks a rule; ``rules`` are by attribute of the request, dotted where nested."""
    _refuse(_violations(request, rules, ""))


def check_entries(entries: Iterable[Entry], rules: Mapping[str, Constraint], prefix: str) -> None:
    """Refuse a request any of whose entries breaks a rule; ``prefix`` says where the n-th entry stands."""
    _refuse(
        violation
        for number, entry in enumerate(entries, 1)
        for violation in _violations(entry, rules, prefix.format(number))
    )


def _violations(holder: Request | Entry, rules: Mapping[str, Constraint], prefix: str) -> Iterator[str]:
    for path, constraint in rules.items():
        try:
            given = attrgetter(path)(holder)
        except AttributeError:  # what the path goes through was not given
            continue
        for rule in constraint.broken_by(given):
            yield f"Value {_shown(given)}at '{prefix}{_shown_path(path)}' failed to satisfy constraint: {rule}"


def _refuse(violations: Iterable[str]) -> None:
    found = [violation for violation, _ in zip(violations, range(_MAX_ERRORS_SHOWN))]  # noqa: B905 - cut on purpose
    if found:
        plural = "s" if len(found) > 1 else ""
        message = f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
        raise Refused("ValidationException", message)


def _outside(measured: int, bounds: tuple[int, int], measure: str) -> Iterator[str]:
    lowest, highest = bounds
    if measured < lowest:
        yield f"Member must have {measure} greater than or equal to {lowest}"
    if measured > highest:
        yield f"Member must have {measure} less than or equal to {highest}"


def _shown(given: object) -> str:
    """Show a value as AWS does: short ones in quotes, lists and data not at all."""
    if given is None:
        return "null "
    return f"'{given}' " if isinstance(given, (str, int)) else ""


def _shown_path(path: str) -> str:
    names = (wire_name(part) for part in path.split("."))
    return ".".join(name[0].lower() + name[1:] for name in names)
