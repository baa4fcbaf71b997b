"""What a record costs, and what packing saves of it."""

from __future__ import annotations

import pytest

from airflow_netmera_kinesis.delivery.put_units import Billed, Saving


@pytest.mark.parametrize(
    ("size", "units", "kib"),
    [
        (1, 1, 1),
        (1_024, 1, 1),
        (1_025, 1, 2),
        (25_600, 1, 25),
        (25_601, 2, 26),
        (128_000, 5, 125),
        (1 << 20, 41, 1_024),
    ],
)
def test_a_record_is_billed_in_units_of_25_kb_or_rounded_up_to_1_kb(size: int, units: int, kib: int) -> None:
    billed = Billed()
    billed.add(size)
    assert (billed.units, billed.kib) == (units, kib)


def test_forty_small_events_in_one_record_save_39_units() -> None:
    saving = Saving()
    saving.add(25_600, [640] * 40)
    assert (saving.records, saving.events, saving.alone.units, saving.units) == (1, 40, 40, 39)


def test_gigabytes_are_saved_where_each_event_was_rounded_up() -> None:
    saving = Saving()
    for _ in range(1_024):
        saving.add(1_024, [512, 512])
    assert saving.gigabytes == 1 / 1_024
    assert saving.units == 1_024


def test_events_of_just_a_kilobyte_save_units_but_no_gigabytes() -> None:
    saving = Saving()
    saving.add(25 * 1_024, [1_024] * 25)
    assert (saving.units, saving.gigabytes) == (24, 0.0)
