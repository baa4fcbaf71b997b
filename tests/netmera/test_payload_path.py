from __future__ import annotations

import pytest

from airflow_netmera_kinesis.netmera.payload_path import Every, covers, overlap, parse_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("userId", ("userId",)),
        ("identities.email", ("identities", "email")),
        ("userAttributes.*", ("userAttributes", Every.NAME)),
        ("eventData.params.items[].eb", ("eventData", "params", "items", Every.ELEMENT, "eb")),
        ("eventData.params.grid[][]", ("eventData", "params", "grid", Every.ELEMENT, Every.ELEMENT)),
        ("eventData.params.*[]", ("eventData", "params", Every.NAME, Every.ELEMENT)),
        ('userAttributes."home.city"', ("userAttributes", "home.city")),
        (r'userAttributes."a \"b\" [*]"', ("userAttributes", 'a "b" [*]')),
        ('userAttributes."*"', ("userAttributes", "*")),
        ("userAttributes.Doğum günü", ("userAttributes", "Doğum günü")),
    ],
)
def test_a_path_is_read(text: str, path: object) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "a[0]", "a[", "[]", "a b .c", " a", 'a."b', 'a."\\x"', "a*", "a.b*", "a[]b", "a.*b"],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_path(text)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("identities", "identities.email", True),
        ("identities.*", "identities.email", True),
        ("identities.*", "identities.*", True),
        ("identities.email", "identities.*", False),
        ("identities.email", "identities", False),
        ("identities.*", "identities[]", False),
        ("eventData.params", "eventData.params.items[].eb", True),
    ],
)
def test_a_path_covers_what_lies_in_it(outer: str, inner: str, expected: bool) -> None:
    assert covers(parse_path(outer), parse_path(inner)) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("identities", "identities.email", True),
        ("identities.*", "identities.email", True),
        ("identities.email", "identities.msisdn", False),
        ("eventData.*.x", "eventData.params", True),
        ("eventData.params[]", "eventData.params.*", False),
    ],
)
def test_two_paths_overlap_where_they_can_meet_the_same(one: str, other: str, expected: bool) -> None:
    assert overlap(parse_path(one), parse_path(other)) is expected
    assert overlap(parse_path(other), parse_path(one)) is expected
