"""The aggregate is byte for byte what protobuf makes of the KPL's own message."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_netmera_kinesis.delivery.kpl import aggregate, size_of_frame, size_of_payload
from airflow_netmera_kinesis.tailing.unpacking import unpack

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)


def test_an_aggregate_is_byte_for_byte_what_protobuf_writes() -> None:
    # Serialised by Google's protobuf from the KPL's messages; aws_kinesis_agg unpacks it, for Python and for Node.
    message = bytes.fromhex(
        "0a 05 61 79 c5 9f 65"  # partition_key_table: ayşe
        "1a 0b 08 00 1a 07 7b 22 61 22 3a 31 7d"  # records: partition_key_index 0, data
        "1a 0b 08 00 1a 07 7b 22 62 22 3a 32 7d"
    )
    digest = bytes.fromhex("ed 58 55 62 1b fd e6 0c cd 1f 52 f1 a4 e7 d0 14")
    assert aggregate("ayşe", [b'{"a":1}', b'{"b":2}']) == b"\xf3\x89\x9a\xc2" + message + digest


def test_the_digest_is_of_the_message_between() -> None:
    data = aggregate("u1", [b"{}", b"{}"])
    assert data[-16:] == hashlib.md5(data[4:-16]).digest()


@pytest.mark.parametrize(
    ("size", "added"),
    [
        (0, 6),
        (1, 7),
        (123, 129),
        (124, 131),
        (127, 134),
        (128, 136),
        (16_378, 16_386),
        (16_379, 16_388),
        (16_384, 16_394),
    ],
)
def test_a_payload_adds_its_lengths_which_take_a_byte_for_seven_bits(size: int, added: int) -> None:
    one, two = aggregate("u1", [b"x" * size]), aggregate("u1", [b"x" * size] * 2)
    assert size_of_payload(size) == len(two) - len(one) == added


@pytest.mark.parametrize(("key_bytes", "frame"), [(1, 23), (127, 149), (128, 151), (256, 279), (1_024, 1_047)])
def test_the_key_stands_in_the_frame_once(key_bytes: int, frame: int) -> None:
    assert size_of_frame(key_bytes) == len(aggregate("k" * key_bytes, [])) == frame


@given(KEYS, st.lists(st.binary(max_size=300), min_size=1, max_size=20))
@example("🦊" * 256, [b"x" * 2_097_152, b""])
def test_what_is_aggregated_is_unpacked_unchanged_and_its_size_was_known(key: str, payloads: list[bytes]) -> None:
    data = aggregate(key, payloads)
    assert unpack(data) == payloads
    assert len(data) == size_of_frame(len(key.encode())) + sum(size_of_payload(len(payload)) for payload in payloads)
