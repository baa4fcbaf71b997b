"""Check the connection: what it says, and whether Kinesis takes whoever signs for it."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_netmera_kinesis.delivery.asking import NO_RIGHT, NotAllowed, ask
from airflow_netmera_kinesis.errors import NetmeraKinesisError
from airflow_netmera_kinesis.preflight.check import Check, fault, faults_of, ok, warning
from airflow_netmera_kinesis.stages.renewal import Connector


def check_settings(about: str, connector: Connector) -> Iterator[Check]:
    """Check what is written in the connection, without asking anybody."""
    try:
        settings = connector.settings
    except NetmeraKinesisError as error:
        yield from faults_of(about, "fields", error)
        return
    yield ok(about, "region", settings.region)
    yield ok(about, "who signs", str(settings.identity))
    if not settings.active:
        yield warning(about, "active", "the connector is INACTIVE, so no hook sends anything")


def check_keys(about: str, connector: Connector) -> Iterator[Check]:
    """Ask for one stream's name: that needs the least rights, and it goes to the endpoint that records go to."""
    where = ""
    try:
        client = connector.get_conn()
        where = f"{client.meta.endpoint_url} (region {client.meta.region_name})"
        answer = ask(client.list_streams, where, hint="Check extra 'endpoint_url'", Limit=1)
    except NotAllowed as refused:
        if refused.code in NO_RIGHT:
            says = f"accepted by {where}; they may not list streams, which sending does not need"
            yield ok(about, "keys", says)
        else:
            yield warning(about, "keys", f"{where} does not know ListStreams, so nobody has looked at them")
    except NetmeraKinesisError as error:
        yield from faults_of(about, "keys", error)
    else:
        if "StreamNames" in answer:
            yield ok(about, "keys", f"accepted by {where}")
        else:
            yield fault(about, "keys", f"{where}: no answer of Kinesis: check extra 'endpoint_url'")
