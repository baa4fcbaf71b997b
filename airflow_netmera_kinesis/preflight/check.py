"""Say what one check found, in one line, and what all of them come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

import msgspec

from airflow_netmera_kinesis.errors import (
    DefinitionError,
    ExportsUnreachable,
    NetmeraKinesisError,
    NotReady,
    NotReadyYet,
    StreamUnreachable,
)

# What a later try may not meet again, and what of it stays as it is.
PASSING = (ExportsUnreachable, OSError, StreamUnreachable)
LASTING = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


class Verdict(str, Enum):
    """What a check came to. A warning never keeps a run from starting."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNCHECKED = "not checked"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. A ``passing`` fault may be gone in the next try without anybody's doing."""

    about: str
    what: str
    verdict: Verdict
    says: str
    passing: bool = False

    def __str__(self) -> str:
        """Give the line for people."""
        return f"{self.verdict.value:<11}  {self.about}: {self.what}: {self.says}"


class Findings(msgspec.Struct, frozen=True):
    """All that was looked at."""

    checks: tuple[Check, ...]

    @property
    def faults(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.verdict is Verdict.FAULT)

    @property
    def warnings(self) -> int:
        return sum(check.verdict is Verdict.WARNING for check in self.checks)

    @property
    def ready(self) -> bool:
        return not self.faults

    @property
    def passing(self) -> bool:
        """Whether every fault may pass by itself."""
        return all(fault.passing for fault in self.faults)

    def __str__(self) -> str:
        """Give the verdict for people."""
        warned = f", {self.warnings} warning{'s' * (self.warnings != 1)}" if self.warnings else ""
        if self.ready:
            return f"ready: {len(self.checks)} checks{warned}"
        count = len(self.faults)
        after = ": all of them may pass by themselves" if self.passing else ""
        return f"NOT ready: {count} fault{'s' * (count != 1)}{warned}{after}"

    def require_ready(self) -> None:
        """Raise NotReady, or NotReadyYet, with a line for each fault."""
        if not self.ready:
            lines = "\n".join(f"  {fault}" for fault in self.faults)
            raise (NotReadyYet if self.passing else NotReady)(f"preflight: {self}:\n{lines}")


def ok(about: str, what: str, says: str) -> Check:
    return Check(about, what, Verdict.OK, says)


def warning(about: str, what: str, says: str) -> Check:
    return Check(about, what, Verdict.WARNING, says)


def unchecked(about: str, what: str, says: str) -> Check:
    return Check(about, what, Verdict.UNCHECKED, says)


def fault(about: str, what: str, says: str, *, passing: bool = False) -> Check:
    return Check(about, what, Verdict.FAULT, says, passing)


def faults_of(about: str, what: str, error: Exception) -> Iterable[Check]:
    """Turn an error into one line; faulty definitions into one for each of their faults."""
    if isinstance(error, DefinitionError):
        return [fault(about, what, f"{error.source}: {each}") for each in error.faults]
    passing = isinstance(error, PASSING) and not isinstance(error, LASTING)
    return [fault(about, what, plain(about, error), passing=passing)]


def plain(about: str, error: Exception) -> str:
    """Write an error in one line that does not say again what it is about; a stranger's with its name."""
    says = " ".join(str(error).split()).removeprefix(f"{about}: ")
    return says if isinstance(error, (NetmeraKinesisError, OSError)) else f"{type(error).__name__}: {says}"


def attempt(about: str, what: str, act: Callable[[], Check]) -> Iterable[Check]:
    """Do something that says what it found; what goes wrong is a fault, whoever raises it."""
    try:
        return [act()]
    except Exception as error:  # noqa: BLE001 - every storage has errors of its own, and this is to find them
        return faults_of(about, what, error)
