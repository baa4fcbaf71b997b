"""Write the aggregate of the Kinesis Producer Library, byte for byte as KCL and its relatives unpack it.

https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md: four magic bytes, a protobuf
message ``AggregatedRecord`` and its MD5. All events of an aggregate have one partition key here, so its table has one
entry; explicit hash keys are not used, and KCL hashes the key itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

MAGIC = b"\xf3\x89\x9a\xc2"
DIGEST_BYTES = 16
# A protobuf tag is (field number << 3) | wire type; type 2 is a length and that many bytes.
_KEY_TABLE = b"\x0a"  # AggregatedRecord.partition_key_table = 1
_RECORD = b"\x1a"  # AggregatedRecord.records = 3
# Record.partition_key_index = 1 is a required number, so it is written although it is 0; then Record.data = 3.
_FIRST_KEY_THEN_DATA = b"\x08\x00\x1a"


def aggregate(key: str, payloads: Iterable[bytes]) -> bytes:
    """Return one record's data with all payloads, in order."""
    written = key.encode()
    parts = [_KEY_TABLE, _varint(len(written)), written]
    for payload in payloads:
        size = _varint(len(payload))
        parts += (_RECORD, _varint(len(_FIRST_KEY_THEN_DATA) + len(size) + len(payload)))
        parts += (_FIRST_KEY_THEN_DATA, size, payload)
    message = b"".join(parts)
    return MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()


def size_of_frame(key_bytes: int) -> int:
    """The bytes of an aggregate before its first payload, for a key of so many bytes."""
    return len(MAGIC) + DIGEST_BYTES + 1 + _varint_bytes(key_bytes) + key_bytes


def size_of_payload(payload_bytes: int) -> int:
    """The bytes that a payload of so many bytes adds to an aggregate."""
    record = len(_FIRST_KEY_THEN_DATA) + _varint_bytes(payload_bytes) + payload_bytes
    return 1 + _varint_bytes(record) + record


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all bytes but the last have their highest bit set."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _varint_bytes(number: int) -> int:
    return max(1, (number.bit_length() + 6) // 7)
