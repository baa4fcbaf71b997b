"""The key goes to one origin only, and that one is written so that nobody can misread it."""

from __future__ import annotations

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError, RestRefused
from airflow_netmera_kinesis.rest.address import Address, read_address
from airflow_netmera_kinesis.rest.settings import read_rest_settings

NETMERA = Address("https", "restapi.netmera.com", 443)
FIRST = "https://restapi.netmera.com/rest/3.0/getPushResult?start=1&end=2&max=10"


@pytest.mark.parametrize(
    "host",
    [
        None, "", "  ", "restapi.netmera.com", "https://restapi.netmera.com", "https://restapi.netmera.com/",
        "https://restapi.netmera.com:443", "HTTPS://RestAPI.Netmera.com", "https://restapi.netmera.com/rest/3.0/",
    ],
)  # fmt: skip
def test_all_spellings_of_an_address_are_one(host: str | None) -> None:
    faults: list[str] = []
    address = read_address(host, None, faults)
    assert faults == []
    assert address == NETMERA
    assert address.url_of("getPushResult") == "https://restapi.netmera.com/rest/3.0/getPushResult"


def test_an_installation_of_ones_own_may_lie_behind_a_port_and_a_path() -> None:
    faults: list[str] = []
    for host, port in (("https://gateway.acme.example:8443/netmera/", None), ("gateway.acme.example/netmera", 8443)):
        address = read_address(host, port, faults)
        assert address.url_of("getPushResult") == "https://gateway.acme.example:8443/netmera/rest/3.0/getPushResult"
    assert faults == []


@pytest.mark.parametrize("host", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_plain_http_is_for_this_machine_only(host: str) -> None:
    faults: list[str] = []
    assert read_address(host, None, faults).base_url == host
    assert faults == []


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("http://restapi.netmera.com", "begins with http://: write https://"),
        ("http://10.0.0.7", "begins with http://"),
        ("http://localhost.acme.example", "begins with http://"),
        ("ftp://restapi.netmera.com", "is not a URL"),
        ("https://", "is not a URL"),
        ("https://restapi.netmera.com/?a=b", "is not a URL"),
        ("https://restapi.netmera.com:port", "is not a URL"),
        ("https://rest api.netmera.com", "is not a URL"),
        ("https://user:secret@restapi.netmera.com", "holds a user or a password"),
    ],
)
def test_an_address_that_would_give_the_key_away_or_is_none_is_refused(host: str, says: str) -> None:
    faults: list[str] = []
    read_address(host, None, faults)
    assert len(faults) == 1
    assert says in faults[0]
    assert "secret" not in faults[0]


@pytest.mark.parametrize(
    "link",
    [
        "https://restapi.netmera.com/rest/3.0/getPushResult?offset=abc&max=10",
        "https://RESTAPI.netmera.com:443/rest/3.0/getPushResult?offset=abc&max=10",
        "/rest/3.0/getPushResult?offset=abc&max=10",
        "?offset=abc&max=10",
    ],
)
def test_a_link_on_the_same_origin_is_followed(link: str) -> None:
    assert NETMERA.follow(FIRST, link) == "https://restapi.netmera.com/rest/3.0/getPushResult?offset=abc&max=10"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/rest/3.0/getPushResult?offset=abc",
        "http://restapi.netmera.com/rest/3.0/getPushResult?offset=abc",
        "https://restapi.netmera.com:8443/rest/3.0/getPushResult?offset=abc",
        "https://restapi.netmera.com.evil.example/?offset=abc",
        "https://restapi.netmera.com@evil.example/?offset=abc",
        "https://user@restapi.netmera.com/?offset=abc",
        "https://restapi.netmera.com\\@evil.example/?offset=abc",
        "https://restapi.netmera.com /?offset=abc",
        "//evil.example/?offset=abc",
        "https://restapi.netmera.com:port/?offset=abc",
        "https://[restapi.netmera.com/?offset=abc",
        "ftp://restapi.netmera.com/?offset=abc",
    ],
)
def test_a_link_that_leads_elsewhere_is_refused_without_showing_its_offset(link: str) -> None:
    with pytest.raises(RestRefused, match="nextPage of Netmera's answer") as refused:
        NETMERA.follow(FIRST, link)
    assert "abc" not in str(refused.value)


def test_who_runs_the_api_behind_a_proxy_is_told_what_to_do() -> None:
    proxied = Address("https", "proxy.acme.example", 443)
    with pytest.raises(RestRefused, match=r"leads to https://restapi.netmera.com:443, not to https://proxy.acme.example"
                                          r".*put it into the connection's Base URL \(host\)"):  # fmt: skip
        proxied.follow(FIRST, "https://restapi.netmera.com/rest/3.0/getPushResult?offset=abc")


def test_all_faults_of_a_connection_are_told_at_once_and_no_value_of_a_field() -> None:
    with pytest.raises(ConfigurationError) as error:
        read_rest_settings("acme", "http://restapi.netmera.com", None, "", '{"region": "eu-central-1"}')
    assert str(error.value) == (
        "connection 'acme': Base URL (host) begins with http://: write https://, since the key travels with every "
        "request; REST API key (password) is missing: set it to the key of the app, from Netmera's panel; extra "
        "'region' is unknown: remove it, this connection has none"
    )


@pytest.mark.parametrize("key", ["with space", "with\nline", "mit-ümlaut"])
def test_a_key_that_cannot_be_one_is_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="holds a character that no key has") as error:
        read_rest_settings("acme", None, None, key, None)
    assert key not in str(error.value)


@pytest.mark.parametrize(("extra", "fine"), [(None, True), ("", True), ("{}", True), ("[]", False), ("{", False)])
def test_an_empty_extra_is_none(extra: str | None, fine: bool) -> None:
    if fine:
        assert read_rest_settings("acme", None, None, " key ", extra) == NETMERA
    else:
        with pytest.raises(ConfigurationError, match="extra is not a JSON object: leave it empty"):
            read_rest_settings("acme", None, None, "key", extra)
