from __future__ import annotations

import pytest
from msgspec import Raw

from airflow_netmera_kinesis.netmera.missing_value import is_missing, is_missing_json


@pytest.mark.parametrize("text", ["", " ", "\t\r\n", "\u00a0", "null"])
def test_nothing_white_space_and_the_word_null_are_no_value(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "NULL", "None", "nullable", " null", "-", "ayşe"])
def test_everything_else_is_a_value(text: str) -> None:
    assert not is_missing(text)


@pytest.mark.parametrize("token", [b"null", b'""', b'"null"', b'"  "', b'"\\t"', b'"\\u006eull"'])
def test_a_json_value_is_missing_as_its_text_is(token: bytes) -> None:
    assert is_missing_json(Raw(token))


@pytest.mark.parametrize("token", [b"0", b"false", b"{}", b"[]", b'"u1"', b'"[null]"', b"[null]"])
def test_zero_false_and_empty_objects_are_values(token: bytes) -> None:
    assert not is_missing_json(Raw(token))
