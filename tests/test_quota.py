from __future__ import annotations

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.quota import parse_quota


@pytest.mark.parametrize(
    ("written", "count", "of", "exceeded"),
    [
        ("1%, 100", 100, 170, False),
        ("1%, 100", 101, 170, True),
        ("1%, 100", 150, 170, True),
        ("1%, 100", 200, 20_000, False),
        ("1%, 100", 201, 20_000, True),
        ("100, 1%", 201, 20_000, True),
        ("5%", 5, 100, False),
        ("5%", 6, 100, True),
        ("0.5 %", 5, 1_000, False),
        ("0.5 %", 6, 1_000, True),
        ("0", 0, 10, False),
        ("0", 1, 10, True),
        (100, 100, 100, False),
        (100, 101, 1_000_000, True),
        ("100%", 7, 7, False),
        ("0%", 1, 1_000_000, True),
        ("1%, 100", 0, 0, False),
    ],
)
def test_the_larger_of_a_share_and_a_number_is_allowed(written: object, count: int, of: int, exceeded: bool) -> None:
    assert parse_quota(written, "max_malformed").is_exceeded(count, of) is exceeded


@pytest.mark.parametrize(
    "written",
    ["", "many", "1%, 2%", "1, 2", "-1", "1.5", "101%", "1%,", ", 1", "1%, 100, 5", None, True, 1.5, -1, [1], "٣"],
)
def test_anything_else_is_refused_with_the_param_and_what_is_allowed(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"max_malformed is .*; allowed: a share"):
        parse_quota(written, "max_malformed")
