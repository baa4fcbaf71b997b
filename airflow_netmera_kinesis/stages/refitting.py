"""Look once more, right before records are sent, for what is larger than the stream takes by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from airflow_netmera_kinesis.delivery.ordering import size_of
from airflow_netmera_kinesis.errors import RecordTooLarge
from airflow_netmera_kinesis.netmera.fitting import Excess, fit
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.firing import LONGEST_KEY_BYTES
from airflow_netmera_kinesis.state.slice import Slice


def what_fits(
    records: Iterator[StagedRecord], current: Slice, limit: int, set_aside: Callable[[StagedRecord, str], None]
) -> Iterator[StagedRecord]:
    """Yield the records, each as its hook wants it where a smaller limit holds than match had asked for.

    ``set_aside`` gets what stays too large, and why. Raises RecordTooLarge where a hook asks for that.
    """
    sure = limit - LONGEST_KEY_BYTES
    for record in records:
        if len(record.payload) <= sure or (size := size_of(record)) <= limit:
            yield record
            continue
        fitted = _fit(record, current, Excess(size, limit, "the stream takes now"))
        if isinstance(fitted, Excess):
            set_aside(record, str(fitted))
        else:
            yield msgspec.structs.replace(record, payload=fitted)


def _fit(record: StagedRecord, current: Slice, excess: Excess) -> bytes | Excess:
    hook = current.hooks[record.hook]
    where = f"hook {hook.name}, {current.files[record.file].name}, line {record.line}"
    key_bytes = excess.size - len(record.payload)

    def excess_of(less: bytes) -> Excess | None:
        size = len(less) + key_bytes
        return excess._replace(size=size) if size > excess.limit else None

    try:
        return fit(record.payload, excess, hook.oversize, excess_of, where)
    except RecordTooLarge as error:
        raise RecordTooLarge(
            f"{error}. Other definitions hold from the next slice on: if a part of this one was sent, run once with "
            f"abandon_slice={current.id}"
        ) from None
