"""Decide which payloads a record holds: one, one a line, or a KPL aggregate."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5

# https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
KPL_MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16
_RECORDS_FIELD = 3
_DATA_FIELD = 3
_VARINT, _BYTES = 0, 2


def unpack(data: bytes) -> list[bytes]:
    """Give the payloads of a record, in order.

    A KPL aggregate whose digest is wrong is a record like any other, as KCL has it.
    """
    if data.startswith(KPL_MAGIC):
        message, digest = data[len(KPL_MAGIC) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if md5(message, usedforsecurity=False).digest() == digest:
            return [_payload(record) for field, record in _fields(message) if field == _RECORDS_FIELD]
    return [line for line in data.split(b"\n") if line]


def _payload(record: bytes) -> bytes:
    return next(value for field, value in _fields(record) if field == _DATA_FIELD)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Walk the length-delimited fields of a protobuf message, passing over its numbers."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, kind = tag >> 3, tag & 7
        size, place = _varint(message, place)
        if kind == _BYTES:
            yield field, message[place : place + size]
            place += size
        elif kind != _VARINT:
            raise ValueError(f"an aggregate has no field of wire type {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place
