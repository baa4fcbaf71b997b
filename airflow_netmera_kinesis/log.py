"""What a stage needs of a logger: Python's own will do, and so will the one that Airflow gives to a task."""

from __future__ import annotations

from typing import Any, Protocol


class Log(Protocol):
    """Takes a message with ``%`` placeholders and what belongs there: counts and names, never an event or a key."""

    def info(self, event: Any, /, *args: Any) -> Any: ...

    def warning(self, event: Any, /, *args: Any) -> Any: ...
