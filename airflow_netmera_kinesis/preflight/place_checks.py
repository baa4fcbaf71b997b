"""Check the folders: exports can be listed and read, staging and state can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.preflight.check import Check, attempt, ok, unchecked, warning


def check_exports(about: str, open_exports: Callable[[], ExportPlace]) -> Iterable[Check]:
    """List the exports, and read a byte of one: two rights in object storage."""
    what = "readable"

    def read() -> Check:
        place = open_exports()
        first = next(place.files(), None)
        if first is None:
            return warning(about, what, "it can be listed, and there is no export in it yet: check that it is right")
        with place.folder.open(first.name, block_bytes=1024) as file:
            file.read(1)
        return ok(about, what, f"it can be listed, and {first.name} can be read")

    return attempt(about, what, read)


def check_writable(about: str, probe: Callable[[], None] | None) -> Iterable[Check]:
    """Write a small file and delete it; ``probe`` does it, and is None where no folder is given."""
    what = "writable"

    def write() -> Check:
        if probe is None:
            return unchecked(about, what, "it is not set")
        probe()
        return ok(about, what, "a file was written and deleted")

    return attempt(about, what, write)
