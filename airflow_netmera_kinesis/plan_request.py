"""Read what a run asks of plan: strictly, because a form and a template hand over text."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.state.slice import Terms

ORDERS = ("file", "timestamp")
ON_BAD_FILE = ("fail", "set_aside")
MAX_PARTITIONS = 1_024  # Airflow maps no more tasks: [core] max_map_length
_SECONDS = re.compile(r"([0-9]{1,9})\s*(s|min|h)?")
_DATE_OF_DIGITS = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})")
_UNIT_SECONDS = {None: 1, "s": 1, "min": 60, "h": 3600}


class PlanRequest(msgspec.Struct, frozen=True):
    """What a run asks for; only ``terms`` is frozen into the slice."""

    key: str
    exports: str
    terms: Terms
    max_files: int = 500
    start_after: datetime | None = None
    min_age_ms: int = 60_000
    abandon_slice: str = ""
    receipts: bool = False

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.terms.export_format)


def zone_of(export_format: ExportFormat) -> tzinfo:
    """Return the zone in which names and local times are meant."""
    return ZoneInfo(export_format.time_zone)


def in_region(hooks: tuple[HookDefinition, ...], region: str) -> tuple[HookDefinition, ...]:
    """Return the hooks, if the connection's region is that of every stream that an active one names by its ARN."""
    for hook in hooks:
        if hook.active and hook.region not in ("", region):
            raise ConfigurationError(
                f"hook {hook.name!r}: its stream_arn is in region {hook.region}, the connection in {region}; allowed: "
                f"streams of the connection's region (for another, a DAG with a connection of its own)"
            )
    return hooks


def whole_number(value: object, param: str, at_most: int | None = None) -> int:
    """Read a whole number from 1 on."""
    allowed = f"a whole number from 1 to {at_most}" if at_most else "a whole number from 1 on"
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not re.fullmatch("[0-9]{1,15}", text):
        raise _refused(param, value, allowed)
    number = int(text)
    if number < 1 or (at_most and number > at_most):
        raise _refused(param, value, allowed)
    return number


def milliseconds(value: object, param: str) -> int:
    """Read a duration: seconds, or text such as ``60 s``, ``5 min``, ``1 h``."""
    match = _SECONDS.fullmatch(str(value).strip())
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not match:
        raise _refused(param, value, "seconds from 0 on, or text such as 60 s, 5 min, 1 h")
    return int(match[1]) * _UNIT_SECONDS[match[2]] * 1000


def choice(value: object, param: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise _refused(param, value, " or ".join(allowed))
    return str(value)


def switch(value: object, param: str) -> bool:
    """Read true or false, also as text or as 1 and 0."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if str(value).strip().lower() not in known:
        raise _refused(param, value, "true or false")
    return known[str(value).strip().lower()]


def text(value: object, param: str) -> str:
    """Read an optional text; an empty form field, None and ``None`` from a template are the same."""
    if value is None or value == "None":
        return ""
    if not isinstance(value, str):
        raise _refused(param, value, "text")
    return value.strip()


def moment(value: object, param: str, zone: tzinfo) -> datetime | None:
    """Read a date or a time, as a wall clock in ``zone`` shows it; None if there is none."""
    digits = _DATE_OF_DIGITS.fullmatch(str(value))  # a template makes a number of it, and Python 3.10 cannot read it
    given = "-".join(digits.groups()) if digits else text(value, param)
    if not given:
        return None
    try:
        read = datetime.fromisoformat(given.replace("Z", "+00:00"))
    except ValueError:
        raise _refused(param, value, "a date such as 2026-09-01, or with a time: 2026-09-01T12:00:00+03:00") from None
    return read.astimezone(zone).replace(tzinfo=None) if read.tzinfo else read


def _refused(param: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError(f"{param} is {value!r}; allowed: {allowed}")
