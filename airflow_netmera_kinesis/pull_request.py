"""Read what a run asks of pull: strictly, because a form and a template hand over text."""

from __future__ import annotations

import re

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.plan_request import milliseconds, moment, whole_number, zone_of
from airflow_netmera_kinesis.push_results.row import PUSH_RESULT_FORMAT
from airflow_netmera_kinesis.push_results.window import KEPT_BY_NETMERA_MS

MAX_PAGE_SIZE = 10_000
MAX_KEYS = 100
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MINUTE_MS = 60_000


def look_back(value: object) -> int:
    read = milliseconds(value, "look_back")
    if read > KEPT_BY_NETMERA_MS:
        raise ConfigurationError(f"look_back is {value!r}; allowed: up to 336 h, as long as Netmera gives results")
    return read


def max_window(value: object) -> int:
    read = milliseconds(value, "max_window")
    if read < _MINUTE_MS:
        raise ConfigurationError(f"max_window is {value!r}; allowed: a minute or more, such as 6 h")
    return read


def page_size(value: object) -> int:
    return whole_number(value, "page_size", MAX_PAGE_SIZE)


def start_after(value: object) -> int | None:
    """Read a date as the moment at which it begins."""
    zone = zone_of(PUSH_RESULT_FORMAT)
    read = moment(value, "start_after", zone)
    return None if read is None else int(read.replace(tzinfo=zone).timestamp() * 1000)


def notification_keys(value: object) -> tuple[str, ...]:
    """Read keys in a list, or in text with commas, of which a template may make a number or a tuple."""
    if value is None or value == "None":
        return ()
    given = list(value) if isinstance(value, (list, tuple)) else str(value).split(",")
    keys = [str(key).strip() for key in given if not isinstance(key, bool) and str(key).strip()]
    refused = isinstance(value, (bool, float, dict)) or len(keys) > MAX_KEYS
    if refused or not all(_KEY.fullmatch(key) for key in keys):
        raise ConfigurationError(
            f"notification_keys is {value!r}; allowed: at most {MAX_KEYS} keys of notifications, as a list or "
            f"separated by commas"
        )
    return tuple(sorted(set(keys)))
