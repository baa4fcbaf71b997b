"""A connection of type netmera_rest: its fields, its form in Airflow 2 and 3, and a test that asks Netmera itself."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from netmera_server import KEY, FakeNetmera, Reply, error, served

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.rest_connection import NetmeraRestConnection

Store = Callable[..., NetmeraRestConnection]


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Store:
    def store(conn_id: str = "netmera_rest_default", **fields: Any) -> NetmeraRestConnection:
        written = {"conn_type": "netmera_rest", "password": KEY, **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(written))
        return NetmeraRestConnection(conn_id)

    return store


@pytest.fixture
def netmera() -> FakeNetmera:
    return FakeNetmera()


@pytest.fixture
def url(netmera: FakeNetmera) -> Iterator[str]:
    with served(netmera) as base_url:
        yield base_url


def test_without_a_base_url_it_is_netmeras_own(connection: Store) -> None:
    assert connection().address.base_url == "https://restapi.netmera.com"
    assert connection(host="", port=None, extra={}).client().address.base_url == "https://restapi.netmera.com"


@pytest.mark.parametrize(
    "uri",
    [
        "netmera-rest://:{key}@restapi.acme.example:8443",
        "netmera-rest://:{key}@https%3A%2F%2Frestapi.acme.example%3A8443",
        "netmera-rest://:{key}@https%3A%2F%2Frestapi.acme.example:8443",
    ],
)
def test_a_connection_written_as_a_uri_means_the_same(
    netmera: FakeNetmera, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ACME", uri.format(key=quote(KEY, safe="")))
    acme = NetmeraRestConnection("acme")
    assert acme.address.base_url == "https://restapi.acme.example:8443"
    assert acme.get_connection("acme").password == KEY


def test_a_missing_connection_and_a_missing_key_are_named(connection: Store) -> None:
    with pytest.raises(
        ConfigurationError, match="connection 'nobody' does not exist: create it with type netmera_rest"
    ):
        NetmeraRestConnection("nobody").client()
    with pytest.raises(ConfigurationError, match=r"'netmera_rest_default': REST API key \(password\) is missing"):
        connection(password="").client()


def test_the_test_says_what_was_checked_and_what_was_not(
    connection: Store, netmera: FakeNetmera, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    passed, answer = connection(host=url).test_connection()
    assert passed
    assert answer == (
        f"Asked {url} for push results of the last minute: the REST API key was accepted; not checked: how much "
        f"Netmera's quota leaves"
    )
    assert answer in capsys.readouterr().out  # airflow connections test prints no answer of a success by itself
    (asked,) = netmera.asked
    assert asked["max"] == "1"
    assert int(asked["end"]) - int(asked["start"]) == 60_000


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (error(403, 2010, "API key is invalid"), "Netmera answered 403, code 2010: API key is invalid; check the"),
        (error(400, 5022, "Quota exceeded"), "Netmera answered 400, code 5022: Quota exceeded"),
        (Reply(503), "Netmera answered 503"),
        (Reply(200, b"<html>Login</html>"), "which is not a page of results"),
        (Reply(301, b"", {"Location": "https://elsewhere.example"}), "a redirect, which is not followed"),
    ],
)
def test_what_netmera_refuses_fails_the_test_at_once(
    connection: Store, netmera: FakeNetmera, url: str, reply: Reply, says: str
) -> None:
    netmera.faults.append(reply)
    passed, answer = connection(host=url).test_connection()
    assert not passed
    assert answer.startswith(f"Asked {url} for push results of the last minute: ")
    assert says in answer
    assert KEY not in answer
    assert len(netmera.asked) == 1


def test_an_app_without_results_passes_the_test(connection: Store, netmera: FakeNetmera, url: str) -> None:
    netmera.faults.append(Reply(200))
    assert connection(host=url).test_connection()[0]


def test_the_test_of_a_faulty_connection_names_the_field(connection: Store) -> None:
    passed, answer = connection(host="http://restapi.netmera.com", extra={"region": "eu"}).test_connection()
    assert not passed
    assert "Base URL (host) begins with http://" in answer
    assert "extra 'region' is unknown" in answer


def test_an_address_where_nobody_listens_fails_the_test(connection: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    passed, answer = connection(host=f"http://127.0.0.1:{port}").test_connection()
    assert not passed
    assert "the connection failed (ConnectionError)" in answer


def test_a_place_that_never_answers_fails_the_test_within_three_seconds(connection: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        passed, answer = connection(host=f"http://127.0.0.1:{listener.getsockname()[1]}").test_connection()
        took = time.monotonic() - started
    assert not passed
    assert "takes too long" in answer or "no answer within" in answer
    assert took < 3


def test_a_name_server_that_never_answers_fails_the_test_within_three_seconds(
    connection: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake = threading.Event()
    monkeypatch.setattr("airflow_netmera_kinesis.rest_connection.TEST_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [awake.wait(20)][1:])
    passed, answer = connection(host="https://restapi.acme.example").test_connection()
    awake.set()
    assert not passed
    assert answer == "Asked https://restapi.acme.example for push results: no answer within 0.2 s"


def test_the_key_is_in_no_log_at_any_level(
    connection: Store, netmera: FakeNetmera, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    netmera.faults.append(error(401, 2010, f"no such key: {KEY}"))
    with caplog.at_level(logging.DEBUG):
        connection(host=url).test_connection()
    assert KEY not in caplog.text


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # it is Airflow's own call
def test_airflow_tests_the_connection_through_its_provider(
    connection: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection(host=url)
    from airflow.models.connection import Connection

    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    passed, answer = Connection.get_connection_from_secrets("netmera_rest_default").test_connection()  # type: ignore[no-untyped-call]
    assert passed, answer
    assert "the REST API key was accepted" in answer


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # its successor is not there in Airflow 2
def test_airflow_finds_the_connection_type_and_its_form() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()  # type: ignore[no-untyped-call]
    hook = manager.hooks["netmera_rest"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_id_attribute_name) == ("Netmera REST", "netmera_rest_conn_id")
    behaviour = manager.field_behaviours["netmera_rest"]
    assert behaviour["relabeling"] == {"host": "Base URL", "password": "REST API key"}
    assert {name for name in manager.connection_form_widgets if "netmera_rest" in name} == set()


def test_the_form_of_airflow_2_is_the_same_form_with_a_sentence_for_each_field() -> None:
    form = NetmeraRestConnection.get_ui_field_behaviour()
    assert form["hidden_fields"] == ["login", "schema", "port", "extra"]
    assert NetmeraRestConnection.get_connection_form_widgets() == {}
    assert all(len(form["placeholders"][name].split()) > 5 for name in form["relabeling"])
