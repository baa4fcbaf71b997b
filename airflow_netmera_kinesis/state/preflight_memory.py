"""Remember what the last good preflight looked at, as digests: no key and no definition can be read out of them."""

from __future__ import annotations

import hashlib

import msgspec

from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.storage import Folder

NAME = "preflight.json"


class PreflightMemory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found good: a digest of the definitions, the fingerprint of the connection, and when."""

    definitions: str = ""
    connection: str = ""
    checked_ms: int = 0

    def changed(self, definitions: str, connection: str) -> str:
        """Say what is not as it was, or nothing."""
        if not self.checked_ms:
            return "there was no good one before"
        what = ["the definitions"] * (self.definitions != definitions) + ["the connection"] * (
            self.connection != connection
        )
        return f"{' and '.join(what)} changed" if what else ""


def digest_of(hooks: tuple[HookDefinition, ...]) -> str:
    """Tell one set of definitions from another."""
    return hashlib.sha256(msgspec.json.encode(hooks, order="deterministic")).hexdigest()[:32]


def load_memory(state: Folder) -> PreflightMemory:
    try:
        return msgspec.json.decode(state.read(NAME), type=PreflightMemory)
    except FileNotFoundError:
        return PreflightMemory()


def save_memory(state: Folder, memory: PreflightMemory) -> None:
    state.write(NAME, msgspec.json.encode(memory))
