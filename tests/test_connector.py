from __future__ import annotations

import json

import pytest

from airflow_netmera_kinesis.connector import ConnectorSettings, read_settings
from airflow_netmera_kinesis.errors import ConfigurationError


def read(**extra: object) -> ConnectorSettings:
    return read_settings("acme", "AKIAACME", "s3cret-of-acme", json.dumps({"region": "eu-central-1", **extra}))


def fault_of(login: str | None = "AKIAACME", password: str | None = "s3cret-of-acme", extra: str | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings("acme", login, password, extra)
    return str(caught.value)


def test_a_connector_is_active_and_talks_to_aws_unless_told_otherwise() -> None:
    assert read() == ConnectorSettings(region="eu-central-1", active=True, endpoint_url=None)


@pytest.mark.parametrize("written", [True, "true", "True", " TRUE ", "1", 1, None, ""])
def test_an_active_switch_may_be_json_or_the_text_of_a_uri(written: object) -> None:
    assert read(active=written).active is True


@pytest.mark.parametrize("written", [False, "false", "False", "0", 0])
def test_the_text_false_is_not_true(written: object) -> None:
    assert read(active=written).active is False


@pytest.mark.parametrize("written", ["yes", "off", "2", 2, 0.5, "null", [], {}])
def test_an_unreadable_switch_is_refused_and_says_what_it_may_be(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"extra 'active' is .*: it must be true, false, 1 or 0"):
        read(active=written)


@pytest.mark.parametrize("login", [None, "", "  "])
def test_a_missing_api_key_names_its_field_and_what_to_do(login: str | None) -> None:
    assert "'acme': API key (login) is missing: set it to" in fault_of(login=login, extra='{"region": "eu-west-1"}')


@pytest.mark.parametrize("password", [None, "", "  "])
def test_a_missing_secret_key_names_its_field_and_what_to_do(password: str | None) -> None:
    assert "Secret key (password) is missing: set it" in fault_of(password=password, extra='{"region": "eu-west-1"}')


@pytest.mark.parametrize("extra", [None, "", "{}", '{"region": ""}', '{"region": null}', '{"region": 1}'])
def test_a_missing_region_names_its_field_and_what_to_do(extra: str | None) -> None:
    assert "extra 'region' is missing: set it to the AWS region" in fault_of(extra=extra)


@pytest.mark.parametrize("region", ["Frankfurt (EU)", "EU-CENTRAL-1", "eu_central_1", "eu-central-1/"])
def test_what_cannot_be_a_regions_code_is_refused(region: str) -> None:
    fault = fault_of(extra=json.dumps({"region": region}))
    assert f"extra 'region' is {region!r}: it must be the code of an AWS region" in fault


@pytest.mark.parametrize("name", ["region_name", "regoin", "role_arn", "aws_session_token", "Active"])
def test_an_unknown_extra_is_refused_by_name_with_what_is_allowed(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"extra '{name}' is unknown: remove it, allowed are region, active, endpoint_url"
    ):
        read(**{name: "x"})


@pytest.mark.parametrize("extra", ["region=eu-west-1", "[]", '"eu-west-1"', "{"])
def test_an_extra_that_is_no_object_is_refused_with_an_example(extra: str) -> None:
    assert 'extra is not a JSON object: write it like {"region"' in fault_of(extra=extra)


@pytest.mark.parametrize("url", ["localhost:4567", "kinesis.example", "ftp://kinesis.example", "http://"])
def test_an_endpoint_that_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"extra 'endpoint_url' is not an http\(s\) URL"):
        read(endpoint_url=url)


@pytest.mark.parametrize(
    ("written", "url"), [("http://127.0.0.1:4567", "http://127.0.0.1:4567"), ("", None), (None, None)]
)
def test_an_empty_form_field_means_no_endpoint_of_its_own(written: str | None, url: str | None) -> None:
    assert read(endpoint_url=written).endpoint_url == url


def test_all_faults_are_said_at_once_and_no_key_among_them() -> None:
    fault = fault_of(password=None, extra='{"active": "perhaps", "secret": "do-not-show"}')
    assert [word in fault for word in ("Secret key", "'region'", "'active'", "'secret'")] == [True] * 4
    assert "AKIAACME" not in fault
    assert "do-not-show" not in fault
