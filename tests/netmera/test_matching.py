from __future__ import annotations

from airflow_netmera_kinesis.netmera.event import Event, MessageLog
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, TriggerType
from airflow_netmera_kinesis.netmera.matching import Matcher

LOG = TriggerType.MESSAGE_LOG
HOOKS = [
    HookDefinition("purchases", event_code="n:ph", stream_name="a"),
    HookDefinition("purchases again", event_code="n:ph", stream_name="b"),
    HookDefinition("named", event_name="Purchase", stream_name="a"),
    HookDefinition("retired", event_code="n:vp", stream_name="a", active=False),
    HookDefinition("custom", event_code="spxy", stream_name="a"),
    HookDefinition("any log", LOG, stream_name="c", partition_key=("extId",)),
    HookDefinition("coded log", LOG, event_code="n:ph", stream_name="c", partition_key=("extId",)),
]


def fired(event: Event | MessageLog, names_to_codes: dict[str, str] | None = None) -> list[str]:
    return [HOOKS[index].name for index in Matcher(HOOKS, names_to_codes or {}).firings(event)]


def test_an_event_fires_every_hook_of_its_code() -> None:
    assert fired(Event(event_code="n:ph")) == ["purchases", "purchases again"]


def test_an_event_fires_by_its_name_too_in_the_order_of_the_definitions() -> None:
    assert fired(Event(event_name="Purchase")) == ["named"]
    assert fired(Event(event_code="n:ph", event_name="Purchase")) == ["purchases", "purchases again", "named"]
    assert fired(Event(event_code="spxy", event_name="Purchase")) == ["named", "custom"]


def test_codes_and_names_are_compared_exactly() -> None:
    for event in (Event(event_code="N:PH"), Event(event_code="n:ph "), Event(event_name="purchase"), Event()):
        assert fired(event) == []


def test_an_inactive_hook_fires_never() -> None:
    assert fired(Event(event_code="n:vp")) == []


def test_a_code_is_not_a_name() -> None:
    assert fired(Event(event_name="n:ph")) == []
    assert fired(Event(event_code="Purchase")) == []


def test_a_message_log_fires_hooks_without_a_code_and_those_of_its_code() -> None:
    assert fired(MessageLog()) == ["any log"]
    assert fired(MessageLog(event_code="n:ph")) == ["any log", "coded log"]
    assert fired(MessageLog(event_name="Purchase")) == ["any log"]


def test_a_name_may_stand_for_a_code_where_an_event_has_none() -> None:
    codes = {"CouponUsed": "spxy"}
    assert fired(Event(event_name="CouponUsed"), codes) == ["custom"]
    assert fired(Event(event_name="CouponUsed", event_code="other"), codes) == []
    assert Matcher(HOOKS, codes).code_of(Event(event_name="CouponUsed")) == "spxy"


def test_what_is_wanted_covers_all_that_may_fire() -> None:
    matcher = Matcher(HOOKS, {"CouponUsed": "spxy", "Seen": "n:vp"})
    assert matcher.codes == {"n:ph", "spxy"}
    assert matcher.names == {"Purchase", "CouponUsed"}
