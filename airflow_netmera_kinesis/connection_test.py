"""Answer Airflow's connection test with the checks of preflight, within the three seconds that a form may wait."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from airflow_netmera_kinesis.configuration import configured_defaults
from airflow_netmera_kinesis.location import read_document
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions, parse_definitions
from airflow_netmera_kinesis.preflight.check import Check, Findings, Verdict, fault, unchecked
from airflow_netmera_kinesis.preflight.connection_checks import check_keys, check_settings
from airflow_netmera_kinesis.preflight.flow import check_streams

if TYPE_CHECKING:
    from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
    from airflow_netmera_kinesis.stages.renewal import Connector

ANSWER_SECONDS = 2.5
CONFIGURED = "hooks of section [netmera_kinesis]"


def test_of(conn_id: str, connector: Connector) -> tuple[bool, str]:
    """Return whether the connection is usable, and what was found, as Airflow's form shows it.

    What is not done in time is not waited for, and said to be unchecked.
    """
    checks: list[Check] = []
    about = f"connection '{conn_id}'"

    def look() -> None:
        try:
            for check in _checks(about, connector):
                checks.append(check)  # noqa: PERF402 - the other thread may stop waiting after any of them
        except Exception as error:  # noqa: BLE001 - a form wants an answer, and other threads print tracebacks
            checks.append(fault(about, "test", f"it failed with {type(error).__name__}"))

    looking = threading.Thread(target=contextvars.copy_context().run, args=(look,), daemon=True)
    looking.start()
    looking.join(ANSWER_SECONDS)
    found = list(checks)
    if looking.is_alive():
        found.append(_out_of_time(about, found))
    return Findings(tuple(found)).ready, "; ".join(dict.fromkeys(_said(found, about)))


def _checks(about: str, connector: Connector) -> Iterator[Check]:
    for look in (check_settings, check_keys):
        found = list(look(about, connector))
        yield from found
        if any(check.verdict is Verdict.FAULT for check in found):
            return
    try:
        hooks = _configured_hooks()
    except Exception as error:  # noqa: BLE001 - whatever their storage raises, it is not about this connection
        yield unchecked(about, CONFIGURED, f"they cannot be read here ({type(error).__name__})")
        return
    if not hooks:
        yield unchecked(about, "streams", "each hook's stream, and the right to write to it")
    for check in check_streams(hooks, connector):
        # They may be meant for another connection: nobody knows that here.
        yield msgspec.structs.replace(check, verdict=Verdict.WARNING) if check.verdict is Verdict.FAULT else check


def _configured_hooks() -> tuple[HookDefinition, ...]:
    hooks = configured_defaults()["hooks"]
    if isinstance(hooks, str):
        return load_definitions(read_document(hooks, "hooks"), hooks)
    return parse_definitions(hooks, "hooks") if hooks else ()


def _out_of_time(about: str, found: list[Check]) -> Check:
    if any(check.what == "keys" for check in found):
        return unchecked(about, "the rest", f"there was no time for it: {ANSWER_SECONDS} s are over")
    return fault(about, "keys", f"no answer within {ANSWER_SECONDS} s: check extra 'endpoint_url', and the network")


def _said(found: list[Check], about: str) -> Iterator[str]:
    """Write few words, as a form has little room: of a stream only what is not as it should be."""
    streams = dict.fromkeys(check.about for check in found if check.about != about)
    for check in found:
        if check.verdict is Verdict.UNCHECKED:
            yield f"not checked: {check.what}: {check.says}"
        elif check.about == about:
            mark = "WARNING: " if check.verdict is Verdict.WARNING else ""
            yield f"{mark}{check.what}: {check.says}"
        elif check.verdict is not Verdict.OK:
            yield f"WARNING: {check.about}, {check.what}: {check.says}"
    if streams:
        yield f"looked at, of the {CONFIGURED}: {', '.join(streams)}"
