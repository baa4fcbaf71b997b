from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from moto import mock_aws

from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
from airflow_netmera_kinesis.errors import ConfigurationError

KEYS = {"login": "AKIAACMEACMEACME", "password": "s3cret/of+acme"}


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def store(conn_id: str = "netmera_kinesis_default", extra: Any = None, **fields: Any) -> NetmeraKinesisConnection:
        written = {
            "conn_type": "netmera_kinesis",
            **KEYS,
            "extra": {"region": "eu-central-1", **(extra or {})},
            **fields,
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(written))
        return NetmeraKinesisConnection(conn_id)

    return store


@pytest.fixture
def other_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Everything that boto3 would fall back to, ready to be taken by mistake."""
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=of-the-file\n")
    (tmp_path / "config").write_text("[default]\nregion=us-west-2\nendpoint_url=http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "of-the-environment",
        "AWS_SESSION_TOKEN": "of-the-environment", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_KINESIS": "http://127.0.0.1:9",
        "AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "adaptive",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def credentials(client: Any) -> tuple[str, str, str | None]:
    found = client._request_signer._credentials.get_frozen_credentials()
    return found.access_key, found.secret_key, found.token


def test_a_connection_written_as_json_gives_a_client_with_its_keys_and_region(connection: Any) -> None:
    client = connection().get_conn()
    assert credentials(client) == (KEYS["login"], KEYS["password"], None)
    assert client.meta.region_name == "eu-central-1"
    assert client.meta.endpoint_url == "https://kinesis.eu-central-1.amazonaws.com"


def test_a_connection_written_as_a_uri_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = (
        f"netmera-kinesis://{KEYS['login']}:{quote(KEYS['password'], safe='')}@/"
        "?region=eu-central-1&active=false&endpoint_url=http%3A%2F%2F127.0.0.1%3A4567"
    )
    monkeypatch.setenv("AIRFLOW_CONN_ACME", uri)
    acme = NetmeraKinesisConnection("acme")
    assert acme.settings.active is False
    assert credentials(acme.get_conn()) == (KEYS["login"], KEYS["password"], None)
    assert acme.get_conn().meta.endpoint_url == "http://127.0.0.1:4567"


@mock_aws
def test_records_can_be_put_through_the_client(connection: Any) -> None:
    connection().get_conn().create_stream(StreamName="purchases", ShardCount=1)
    client = connection().put_records_client(connections=1)
    answer = client.put_records(StreamName="purchases", Records=[{"Data": b"{}", "PartitionKey": "ayse"}])
    assert answer["FailedRecordCount"] == 0


@pytest.mark.usefixtures("other_credentials")
def test_neither_keys_nor_region_nor_endpoint_of_the_environment_are_taken(connection: Any) -> None:
    for client in (connection().get_conn(), connection().put_records_client(connections=2)):
        assert credentials(client) == (KEYS["login"], KEYS["password"], None)
        assert client.meta.region_name == "eu-central-1"
        assert client.meta.endpoint_url == "https://kinesis.eu-central-1.amazonaws.com"


@pytest.mark.usefixtures("other_credentials")
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"login": ""}, "API key"),
        ({"password": ""}, "Secret key"),
        ({"extra": {"region": ""}}, "region"),
        ({"login": None}, "API key"),
    ],
)
def test_a_missing_field_is_an_error_and_never_a_fall_back(connection: Any, fields: Any, named: str) -> None:
    incomplete = connection(**fields)
    for use in (incomplete.get_conn, lambda: incomplete.put_records_client(1), incomplete.get_session):
        with pytest.raises(ConfigurationError, match=named):
            use()


@pytest.mark.usefixtures("other_credentials")
def test_a_connection_that_is_set_but_no_json_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_TYPO", '{"conn_type": "netmera_kinesis", "password": "s3cret" "extra"')
    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_NETMERA_TYPO is set, but cannot be read") as failed:
        NetmeraKinesisConnection("netmera_typo").get_conn()
    assert "s3cret" not in str(failed.value)


def test_a_missing_connection_is_an_error_and_never_a_fall_back() -> None:
    with pytest.raises(
        ConfigurationError, match="connection 'nobody' does not exist: create it with type netmera_kinesis"
    ):
        NetmeraKinesisConnection("nobody").get_conn()


def test_no_request_is_ever_repeated_by_the_client_that_puts_records(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    config = connection().put_records_client(connections=12).meta.config
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert config.max_pool_connections == 12
    assert config.tcp_keepalive is True


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # it is the amazon provider's own call
def test_the_user_agent_names_airflow_and_this_provider(connection: Any) -> None:
    for client in (connection().get_conn(), connection().put_records_client(connections=1)):
        assert "Airflow/" in client.meta.config.user_agent_extra
        assert "AmPP/0.1.0" in client.meta.config.user_agent_extra


def test_the_form_of_airflow_2_is_the_same_form() -> None:
    assert NetmeraKinesisConnection.get_ui_field_behaviour() == {
        "hidden_fields": ["host", "schema", "port"],
        "relabeling": {"login": "API key (access key ID)", "password": "Secret key"},
        "placeholders": NetmeraKinesisConnection.get_ui_field_behaviour()["placeholders"],
    }


def test_the_fields_of_airflow_2s_form_are_the_same_fields() -> None:
    pytest.importorskip("flask_appbuilder")
    widgets = NetmeraKinesisConnection.get_connection_form_widgets()
    assert [(name, widget.args[0]) for name, widget in widgets.items()] == [
        ("region", "Region"), ("active", "Active"), ("endpoint_url", "Endpoint URL"), ("credentials", "Credentials"),
        ("role_arn", "Role to assume"), ("external_id", "External ID"), ("session_token", "Session token"),
        ("sts_endpoint_url", "STS endpoint URL"),
    ]  # fmt: skip
    assert [name for name, widget in widgets.items() if widget.field_class.__name__ == "PasswordField"] == [
        "session_token"
    ]
