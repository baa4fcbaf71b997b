"""Put content on the local disk for what must jump about in it, such as a ZIP archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.content import BLOCK_BYTES, Content

MAX_SPOOLED_BYTES = 4 * 1024 * 1024 * 1024  # what a small file may unpack to must not fill the disk


@contextmanager
def spooled(content: Content) -> Iterator[BinaryIO]:
    """Copy all of the content into a temporary file, which is gone afterwards."""
    with tempfile.TemporaryFile() as file:
        while block := content.read(BLOCK_BYTES):
            file.write(block)
            if file.tell() > MAX_SPOOLED_BYTES:
                raise ExportError(f"unpacks to more than {MAX_SPOOLED_BYTES // 2**30} GiB")
        file.seek(0)
        yield cast(BinaryIO, file)
