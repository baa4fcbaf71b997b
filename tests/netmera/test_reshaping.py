"""What a hook's rules make of a payload."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.netmera.hashing import HashKey
from airflow_netmera_kinesis.netmera.payload_rules import PayloadRules
from airflow_netmera_kinesis.netmera.reshaping import CannotReshape, Reshaper, truncate

KEY = "a key of the customer's own"
PURCHASE: dict[str, Any] = {
    "eventCode": "n:ph",
    "userId": "u-ayşe",
    "eventId": "e1",
    "eventData": {
        "name": "Purchase",
        "timestamp": 1_788_728_400_000,
        "params": {"ea": 12.5, "items": [{"ea": "Şal", "eb": 1}, {"ea": "Fular", "eb": 2}]},
    },
    "userAttributes": {"city": "İstanbul", "home.city": "Ankara", "segments": [253, 165], "note": None},
    "identities": {"userId": "u-ayşe", "email": "ayse@example.invalid", "msisdn": "905000000001"},
}


def body_of(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()[1:]


def reshaped(payload: dict[str, Any] = PURCHASE, **rules: list[str]) -> dict[str, Any]:
    reshape = Reshaper(PayloadRules(**{name: tuple(paths) for name, paths in rules.items()}), HashKey(KEY))
    became: dict[str, Any] = json.loads(b"{" + reshape(body_of(payload)))
    return became


def hmac_of(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def test_what_drop_names_goes_and_all_else_stays() -> None:
    became = reshaped(drop=["identities.email", "eventData.params.items[].eb", 'userAttributes."home.city"'])
    assert became == {
        **PURCHASE,
        "eventData": {**PURCHASE["eventData"], "params": {"ea": 12.5, "items": [{"ea": "Şal"}, {"ea": "Fular"}]}},
        "userAttributes": {"city": "İstanbul", "segments": [253, 165], "note": None},
        "identities": {"userId": "u-ayşe", "msisdn": "905000000001"},
    }


def test_only_what_keep_names_stays_beside_the_envelope() -> None:
    became = reshaped(keep=["userId", "eventData.name", "eventData.params.items[].ea", "userAttributes.segments"])
    assert became == {
        "eventCode": "n:ph",
        "userId": "u-ayşe",
        "eventId": "e1",
        "eventData": {"name": "Purchase", "params": {"items": [{"ea": "Şal"}, {"ea": "Fular"}]}},
        "userAttributes": {"segments": [253, 165]},
    }


def test_keep_comes_first_then_drop_then_hash() -> None:
    became = reshaped(keep=["identities"], drop=["identities.msisdn"], hash=["identities.*"])
    assert became["identities"] == {"userId": hmac_of("u-ayşe"), "email": hmac_of("ayse@example.invalid")}
    assert "eventData" not in became


def test_a_hash_is_the_hmac_of_what_the_value_says() -> None:
    became = reshaped(
        hash=["identities.msisdn", "eventData.params.ea", "eventData.timestamp", "userAttributes.segments"]
    )
    assert became["identities"]["msisdn"] == hmac_of("905000000001")
    assert became["eventData"]["params"]["ea"] == hmac_of("12.5")
    assert became["eventData"]["timestamp"] == hmac_of("1788728400000")
    assert became["userAttributes"]["segments"] == hmac_of("[253,165]")


def test_a_number_and_its_text_have_the_same_hash_and_an_objects_members_no_order() -> None:
    one = {"eventId": "e", "userAttributes": {"a": 905000000001, "b": "905000000001", "c": {"x": 1, "y": 2}}}
    other = {"eventId": "e", "userAttributes": {"a": 905000000001, "b": "905000000001", "c": {"y": 2, "x": 1}}}
    became = reshaped(one, hash=["userAttributes.*"])
    assert became == reshaped(other, hash=["userAttributes.*"])
    assert became["userAttributes"]["a"] == became["userAttributes"]["b"] == hmac_of("905000000001")


def test_each_element_can_be_hashed_and_null_stays_null() -> None:
    became = reshaped(hash=["userAttributes.segments[]", "userAttributes.note"])
    assert became["userAttributes"]["segments"] == [hmac_of("253"), hmac_of("165")]
    assert became["userAttributes"]["note"] is None


def test_a_rule_for_the_user_id_holds_in_both_places_where_it_stands() -> None:
    assert reshaped(hash=["userId"])["identities"]["userId"] == hmac_of("u-ayşe")
    dropped = reshaped(drop=["userId"])
    assert "userId" not in dropped
    assert "userId" not in dropped["identities"]
    assert reshaped(drop=["identities.userId"])["userId"] == "u-ayşe"


def test_what_a_rule_has_emptied_is_left_out_and_what_was_empty_before_stays() -> None:
    became = reshaped(
        {"eventId": "e", "eventData": {"params": {"a": {"b": 1}, "c": {}, "d": []}}}, drop=["eventData.params.a.*"]
    )
    assert became["eventData"] == {"params": {"c": {}, "d": []}}
    assert "eventData" not in reshaped(drop=["eventData.*"])
    assert "items" not in reshaped(drop=["eventData.params.items[].*"])["eventData"]["params"]


@pytest.mark.parametrize(
    "path",
    [
        "identities.crm",
        "identities.email.local",
        "identities[].email",
        "eventData.params.ea[]",
        "eventData.params.items.eb",
    ],
)
def test_a_path_that_meets_nothing_changes_not_one_byte(path: str) -> None:
    params = b'{"ea":12.50,"items":[{"eb":1e2}]}'
    body = b'"eventId":"e1","eventData":{"params":' + params + b'},"identities":{"email":"a"}}'
    assert Reshaper(PayloadRules(drop=(path,)), None)(body) is body


def test_with_keep_a_value_that_no_path_leads_through_goes() -> None:
    assert "identities" not in reshaped(keep=["identities.email.local", "identities.msisdn[]"])


def test_untouched_values_stay_byte_for_byte() -> None:
    body = (
        b'"eventId":"e1","eventData":{"params":{"ec":1.50,"big":123456789012345678901234567890,"t":"\\u015eal","x":1}}}'
    )
    after = Reshaper(PayloadRules(drop=("eventData.params.x",)), None)(body)
    assert after == body.replace(b',"x":1', b"")


def test_a_name_that_is_given_twice_hides_nothing_from_a_rule() -> None:
    reshape = Reshaper(PayloadRules(drop=("identities.email",)), None)
    assert (
        reshape(b'"eventId":"e","identities":{"email":"a","email":"b","userId":"u"}}')
        == b'"eventId":"e","identities":{"userId":"u"}}'
    )
    twice = b'"eventId":"e","identities":{"email":"a"},"identities":{"userId":"u"}}'
    assert reshape(twice) == b'"eventId":"e","identities":{"userId":"u"}}'
    assert (
        reshape(b'"eventId":"e","identities":{"em\\u0061il":"a","userId":"u"}}')
        == b'"eventId":"e","identities":{"userId":"u"}}'
    )


def test_the_envelope_stays_whatever_is_kept() -> None:
    assert reshaped(keep=["userAttributes.nothing"]) == {"eventCode": "n:ph", "eventId": "e1"}


@pytest.mark.parametrize("params", [b"[" * 2_000 + b"]" * 2_000, b'{"x":"\\ud800"}'], ids=["deep", "half a character"])
def test_what_cannot_be_read_is_not_sent_unseen(params: bytes) -> None:
    body = b'"eventId":"e","eventData":{"params":' + params + b"}}"
    with pytest.raises(CannotReshape):
        Reshaper(PayloadRules(hash=("eventData.params.x",)), HashKey(KEY))(body)


def test_rules_that_hash_are_nothing_without_a_key() -> None:
    with pytest.raises(ConfigurationError, match="hash_key is missing"):
        Reshaper(PayloadRules(hash=("userId",)), None)


def test_a_truncated_payload_says_what_was_taken_from_it() -> None:
    payload = b"{" + body_of(PURCHASE)
    became = json.loads(truncate(payload, ["userAttributes", "eventData.params.items", "identities.crm"]))
    assert became["truncated"] == ["userAttributes", "eventData.params.items"]
    assert "userAttributes" not in became
    assert became["eventData"]["params"] == {"ea": 12.5}
    assert became["identities"] == PURCHASE["identities"]


def test_a_payload_from_which_nothing_can_be_taken_is_not_marked() -> None:
    payload = b"{" + body_of(PURCHASE)
    assert truncate(payload, ["identities.crm"]) is payload
    assert truncate(truncate(payload, ["userAttributes"]), ["userAttributes"]) == truncate(payload, ["userAttributes"])
