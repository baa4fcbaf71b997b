"""Check the folders: exports can be listed and read, staging and state can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from airflow_netmera_kinesis.errors import NetmeraKinesisError
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.preflight.check import Check, attempt, faults_of, ok, unchecked, warning


def check_exports(about: str, open_exports: Callable[[], ExportPlace]) -> Iterator[Check]:
    """List the exports, and read a byte of one: two rights in object storage."""
    what = "readable"
    try:
        place = open_exports()
        first = next(place.files(), None)
        if first is None:
            yield warning(
                about, what, "it can be listed, and there is no export in it yet: check that it is the right one"
            )
            return
        with place.folder.open(first.name, block_bytes=1024) as file:
            file.read(1)
        yield ok(about, what, f"it can be listed, and {first.name} can be read")
    except (NetmeraKinesisError, OSError) as error:
        yield from faults_of(about, what, error)


def check_writable(about: str, probe: Callable[[], None] | None) -> Iterator[Check]:
    """Write a small file and delete it; ``probe`` does it, and is None where no folder is given."""
    if probe is None:
        yield unchecked(about, "writable", "it is not set")
        return
    write_and_delete = probe

    def written() -> str:
        write_and_delete()
        return "a file was written and deleted"

    yield from attempt(about, "writable", written)
