"""Decide where the files of pulled rows lie, and with them the state of what was pulled."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec

FOLDER = "push_results"


def pulled_place(state: str, dag_id: str, base_url: str, notification_keys: Iterable[str]) -> str:
    """Return the URI of the files of one DAG that pulls one place; other keys are other results."""
    identity = msgspec.json.encode([dag_id, base_url, sorted(set(notification_keys))])
    name = re.sub(r"[^a-zA-Z0-9_.-]", "_", dag_id)[:64]
    return f"{state.rstrip('/')}/{FOLDER}/{name}-{hashlib.sha256(identity).hexdigest()[:12]}"
