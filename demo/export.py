"""Tell what ought to arrive, straight from the sample exports: a second opinion without the provider's code."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Firing(NamedTuple):
    """One event of the export that meets one hook."""

    hook: str
    stream: str
    user: str
    event_id: str


def firings(files: Iterable[Path], hooks: Path) -> list[Firing]:
    """Go through the files in order, line by line; a line's firings follow the order of the definitions."""
    active = [hook for hook in active_definitions(hooks) if hook["trigger_type"] == "EVENT"]
    return [
        Firing(hook["name"], hook["stream_name"], event["userId"], event["id"])
        for file in files
        for event in events(file)
        for hook in active
        if hook["event_code"] == event["eventCode"]
    ]


def stream_names(hooks: Path) -> list[str]:
    return sorted({hook["stream_name"] for hook in definitions(hooks)})


def active_definitions(hooks: Path) -> list[dict[str, Any]]:
    return [hook for hook in definitions(hooks) if hook.get("active", True)]


def definitions(hooks: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(hooks.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = document["hooks"]
    return found


def events(file: Path) -> Iterator[dict[str, Any]]:
    content = file.read_bytes()
    for line in (gzip.decompress(content) if file.suffix == ".gz" else content).splitlines():
        yield json.loads(line)
