"""Decide what a month of a stream costs: a table of prices, and how many hours a month has."""

from __future__ import annotations

from importlib import resources

import msgspec

from airflow_netmera_kinesis.delivery.put_units import GIB, KIB, Billed
from airflow_netmera_kinesis.document import load_document
from airflow_netmera_kinesis.errors import ConfigurationError

# As AWS' own calculator counts it.
HOURS_A_MONTH = 730
DAYS_A_MONTH = HOURS_A_MONTH / 24
_MILLION = 1_000_000


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The prices of one region at one time, before tax and discounts."""

    region: str
    as_of: str
    currency: str
    shard_hour: float
    million_put_units: float
    stream_hour: float
    gigabyte_in: float

    def provisioned(self, shards: int, units_a_month: float) -> float:
        """Return what a month costs with so many shards."""
        return shards * HOURS_A_MONTH * self.shard_hour + units_a_month / _MILLION * self.million_put_units

    def on_demand(self, gigabytes_a_month: float) -> float:
        """Return what a month costs on demand."""
        return HOURS_A_MONTH * self.stream_hour + gigabytes_a_month * self.gigabyte_in


def shipped_prices() -> Prices:
    """Return the table that comes with the provider."""
    return read_prices(resources.files(__package__).joinpath("prices.yaml").read_bytes(), "prices.yaml")


def read_prices(data: bytes, source: str) -> Prices:
    """Read a table; it has to name every price, so that no two regions are mixed up."""
    try:
        return msgspec.convert(load_document(data, source), Prices)
    except msgspec.ValidationError as error:
        names = ", ".join(Prices.__struct_fields__)
        raise ConfigurationError(f"{source}: {error}; it must hold {names}, and nothing else") from None


def gigabytes(billed: Billed) -> float:
    """Return what a stream on demand bills, in GB."""
    return billed.kib * KIB / GIB
