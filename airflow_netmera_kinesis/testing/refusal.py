"""Say how a request can end: answered, refused, or with its connection lost."""

from __future__ import annotations

from typing import Any

import msgspec

Body = dict[str, Any]


class Refused(Exception):
    """An answer that is an error; ``code`` is what AWS calls ``__type``."""

    def __init__(self, code: str, message: str, status: int = 400, *, html: bool = False) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.html = html  # what stands in front of a service answers in HTML, not in JSON
        super().__init__(f"{code}: {message}")


class ConnectionDropped(Exception):
    """No answer at all.

    ``stored`` says whether the records are in the stream; ``zombie`` that they are not yet but will be, later.
    """

    def __init__(self, *, stored: bool, zombie: bool = False) -> None:
        self.stored = stored
        self.zombie = zombie
        super().__init__(f"connection dropped, stored={stored}, zombie={zombie}")


class Answer(msgspec.Struct, frozen=True):
    """What one request came to. ``delay`` is how many seconds after the request the client hears of it."""

    body: Body
    failure: Refused | ConnectionDropped | None = None
    delay: float = 0.0

    def result(self) -> Body:
        """Give the body, or raise the failure."""
        if self.failure is not None:
            raise self.failure
        return self.body


def not_found(stream: str, account_id: str) -> Refused:
    return Refused("ResourceNotFoundException", f"Stream {stream} under account {account_id} not found.")


def invalid(message: str) -> Refused:
    return Refused("InvalidArgumentException", message)


def dry_run_passed() -> Refused:
    """Answer a request that would have been taken, had it been meant."""
    return Refused("DryRunOperationException", "The request was rejected because the DryRun parameter was specified.")
