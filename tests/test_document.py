from __future__ import annotations

import pytest

from airflow_netmera_kinesis.document import load_document
from airflow_netmera_kinesis.errors import ConfigurationError


def test_yaml_and_json_are_read_alike() -> None:
    assert load_document(b"a: [1, x]\n", "f") == load_document(b'{"a": [1, "x"]}', "f") == {"a": [1, "x"]}


def test_json_may_be_indented_with_tabs_and_escape_its_emoji() -> None:
    assert load_document(b'{\n\t"a": "\\ud83d\\ude80"\n}', "f") == {"a": "🚀"}


def test_yaml_in_braces_is_still_yaml() -> None:
    assert load_document(b"{a: b}", "f") == {"a": "b"}


def test_a_byte_order_mark_is_no_part_of_the_document() -> None:
    assert load_document("\ufeffa: ş".encode(), "f") == {"a": "ş"}


@pytest.mark.parametrize("data", [b"a: 1\nb: 2\na: 3\n", b'{"a": 1, "a": 2}', b"x: {a: 1, a: 2}"])
def test_a_key_that_is_given_twice_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"hooks.yaml .*the key 'a' is given twice"):
        load_document(data, "hooks.yaml")


def test_a_fault_of_syntax_is_told_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"hooks.yaml is not readable YAML or JSON, line 2"):
        load_document(b"a: 1\n  b: 2\n", "hooks.yaml")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a: \xe7"])
def test_a_document_that_is_not_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        load_document(data, "hooks.yaml")


@pytest.mark.parametrize("data", [b"!!python/object/apply:os.getcwd []", b"a: 2026-02-31"])
def test_nothing_is_run_and_nothing_impossible_is_read(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        load_document(data, "hooks.yaml")
