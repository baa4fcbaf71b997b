from __future__ import annotations

import json

import pytest

from airflow_netmera_kinesis.connector import ConnectorSettings, fingerprint_of, read_settings
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.identity import Identity


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


@pytest.mark.parametrize("name", ["region_name", "regoin", "assume_role_method", "aws_session_token", "Active"])
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


@pytest.mark.parametrize("url", ["http://[::1", 5, True, ["http://127.0.0.1"]])
def test_what_is_given_as_an_endpoint_is_never_passed_over_in_favour_of_aws(url: object) -> None:
    with pytest.raises(ConfigurationError, match="extra 'endpoint_url' is not"):
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


ROLE = "arn:aws:iam::111122223333:role/netmera/writer"


def test_keys_sign_unless_something_else_is_said() -> None:
    assert read().identity == read(credentials="keys", role_arn="", external_id=None).identity == Identity()
    assert str(read().identity) == "the connection's keys"


@pytest.mark.parametrize(
    "arn", [ROLE, "arn:aws-cn:iam::111122223333:role/x", "arn:aws-us-gov:iam::111122223333:role/a.b"]
)
def test_a_role_may_be_of_any_partition(arn: str) -> None:
    identity = read(role_arn=arn, external_id="acme:42", sts_endpoint_url="https://sts.example").identity
    assert identity == Identity(False, arn, "acme:42", "https://sts.example")
    assert str(identity) == f"role {arn}, assumed with the connection's keys"


@pytest.mark.parametrize("written", ["environment", "Environment", " environment "])
def test_the_workers_own_identity_needs_no_keys(written: str) -> None:
    extra = json.dumps({"region": "eu-central-1", "credentials": written, "role_arn": ROLE})
    identity = read_settings("acme", None, "", extra).identity
    assert identity == Identity(environment=True, role_arn=ROLE)
    assert str(identity) == f"role {ROLE}, assumed with the worker's own AWS identity"


@pytest.mark.parametrize("written", ["enviroment", "instance-profile", "aws_default", True, 1, {}])
def test_what_else_may_sign_is_refused_with_what_is_allowed(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"extra 'credentials' is .*: it must be keys .* or environment"):
        read(credentials=written)


@pytest.mark.parametrize(
    "arn",
    [
        "netmera-writer", "arn:aws:iam::1111:role/x", "arn:aws:iam::111122223333:user/x",
        "arn:aws:iam::111122223333:role/", "arn:aws:sts::111122223333:assumed-role/x/y",
    ],
)  # fmt: skip
def test_what_is_no_arn_of_a_role_is_refused_with_an_example(arn: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"extra 'role_arn' is not the ARN .*arn:aws:iam::111122223333:role/name"
    ):
        read(role_arn=arn)


@pytest.mark.parametrize("name", ["external_id", "sts_endpoint_url"])
def test_what_belongs_to_a_role_is_refused_without_one(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"extra '{name}' is given without 'role_arn'"):
        read(**{name: "https://sts.example"})


@pytest.mark.parametrize("name", ["role_arn", "external_id", "session_token", "sts_endpoint_url"])
def test_a_field_that_is_no_text_is_not_taken_for_one_that_is_missing(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"extra '{name}' is not text"):
        read(**{name: 5})


def test_contradictions_are_all_said_at_once_without_a_key() -> None:
    extra = {"credentials": "environment", "session_token": "do-not-show", "external_id": "x", "regoin": "eu-west-1"}
    fault = fault_of(extra=json.dumps(extra))
    for said in (
        "API key (login) is given together with credentials: environment",
        "Secret key (password) is given together with",
        "extra 'session_token' is given together with",
        "extra 'external_id' is not what AWS takes",
        "extra 'external_id' is given without 'role_arn'",
        "extra 'regoin' is unknown",
        "extra 'region' is missing",
    ):
        assert said in fault
    for secret in ("AKIAACME", "s3cret-of-acme", "do-not-show"):
        assert secret not in fault


def test_a_fingerprint_changes_with_every_field_and_shows_none() -> None:
    settings = read()
    fingerprints = {
        fingerprint_of(*given)
        for given in [
            (settings, "AKIA", "secret", None), (settings, "AKIB", "secret", None), (settings, "AKIA", "secreu", None),
            (settings, "AKIA", "secret", "token"), (read(role_arn=ROLE), "AKIA", "secret", None),
            (read(active=False), "AKIA", "secret", None), (settings, None, None, None),
        ]
    }  # fmt: skip
    assert len(fingerprints) == 7
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in fingerprints)
    assert fingerprint_of(settings, "AKIA", "secret", None) in fingerprints
