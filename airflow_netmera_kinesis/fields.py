"""Read one mapping that a person wrote, noting every fault instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What people call what a YAML parser makes of their text.
_KINDS = {bool: "boolean", int: "number", float: "number", dict: "mapping"}


class Fields:
    """The fields of one mapping; ``where`` opens each fault (``hook 'purchases'``), ``faults`` collects them.

    A reading method returns its default where a fault was noted, so that reading goes on to the next field.
    """

    def __init__(self, values: Mapping[Any, Any], where: str, faults: list[str]) -> None:
        self._values = values
        self.where = where
        self._faults = faults

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def fault(self, name: str, says: str) -> None:
        self._faults.append(f"{self.where}: {name} {says}")

    def refuse(self, name: str, allowed: str) -> None:
        self.fault(name, f"is {self._values[name]!r}; allowed: {allowed}")

    def allow_only(self, names: Iterable[str]) -> None:
        names = tuple(names)
        for name in self._values:
            if name not in names:
                self._faults.append(f"{self.where}: unknown key {name!r}; allowed: {', '.join(names)}")

    def text(self, name: str) -> str | None:
        """Text that says something, or None where the field is absent or faulty."""
        if name not in self._values:
            return None
        value = self._values[name]
        if not isinstance(value, str):
            kind = "empty" if value is None else f"{value!r}, a {_KINDS.get(type(value), type(value).__name__)}"
            self.fault(name, f'is {kind}; allowed: text (in YAML put it in quotes: {name}: "…")')
            return None
        if not value or value != value.strip() or not value.isprintable():
            self.refuse(name, "text without white space at its ends and without control characters")
            return None
        return value

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        allowed = tuple(allowed)
        value = self._values.get(name, default)
        if isinstance(value, str) and value in allowed:
            return value
        self.refuse(name, ", ".join(allowed))
        return default

    def flag(self, name: str, default: bool) -> bool:
        value = self._values.get(name, default)
        if isinstance(value, bool):
            return value
        self.refuse(name, "true, false")
        return default

    def whole_number(self, name: str, lowest: int, highest: int, default: int) -> int:
        value = self._values.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.refuse(name, f"a whole number from {lowest} to {highest}")
        return default

    def mapping(self, name: str) -> Mapping[Any, Any]:
        value = self._values.get(name, {})
        if isinstance(value, Mapping):
            return value
        self.refuse(name, "a mapping")
        return {}
