"""Decide what becomes of a record that is too large for its stream, as its hook says; its JSON is never cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from airflow_netmera_kinesis.errors import RecordTooLarge
from airflow_netmera_kinesis.netmera.payload_rules import OnOversize, Oversize
from airflow_netmera_kinesis.netmera.reshaping import CannotReshape, truncate


class Excess(NamedTuple):
    """Payload and key together have more bytes than ``whose`` limit allows."""

    size: int
    limit: int
    whose: str
    truncated: bool = False

    def __str__(self) -> str:
        even = ", even without what oversize drops" if self.truncated else ""
        return f"payload and key have more than the {self.limit} bytes that {self.whose}{even}"


def fit(
    payload: bytes, excess: Excess, rule: Oversize, excess_of: Callable[[bytes], Excess | None], where: str
) -> bytes | Excess:
    """Return the payload without what its hook can do without, or by how much it is too large all the same.

    :param where: the hook, the file and the line, for the message
    :raises RecordTooLarge: the hook says ``fail``
    """
    if rule.action is OnOversize.FAIL:
        raise RecordTooLarge(
            f"{where}: payload and key have {excess.size} bytes, more than the {excess.limit} bytes that "
            f"{excess.whose}, and the hook says oversize: fail. To go on, let it say dead_letter or {{drop: [paths]}}, "
            "or raise the limit"
        )
    if rule.action is not OnOversize.DROP:
        return excess
    try:
        less = truncate(payload, rule.drop)
    except CannotReshape:
        return excess
    if less is payload:
        return excess
    still = excess_of(less)
    return still._replace(truncated=True) if still else less
