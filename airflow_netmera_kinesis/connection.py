"""Turn a connection of type ``netmera_kinesis`` into a Kinesis client with that connection's keys and no others."""

from __future__ import annotations

import logging
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.kinesis import KinesisHook
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)

from airflow_netmera_kinesis.connector import ConnectorSettings, fingerprint_of, read_session_token, read_settings
from airflow_netmera_kinesis.delivery.credential_advice import advice_on
from airflow_netmera_kinesis.delivery.wire import client_options
from airflow_netmera_kinesis.errors import ConfigurationError, CredentialsRefused, StreamUnreachable
from airflow_netmera_kinesis.provider_info import CONNECTION_TYPE

try:
    from airflow.sdk.log import mask_secret
except ImportError:  # Airflow 2
    from airflow.utils.log.secrets_masker import mask_secret  # type: ignore[import-not-found,no-redef,unused-ignore]

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

# The form waits for the answer: a connect and a read together stay well within three seconds.
TEST_TIMEOUT_SECONDS = 1.2
CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 30

NO_CREDENTIALS = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError)


class NetmeraKinesisConnection(KinesisHook):
    """The connector: sessions, refreshing roles, user agent and clients are the amazon provider's own.

    Where the amazon provider falls back to other credentials (environment, ``~/.aws``, instance profile), this one
    raises :class:`~airflow_netmera_kinesis.errors.ConfigurationError`.

    :param netmera_kinesis_conn_id: id of the Airflow connection
    :param config: botocore's configuration of its clients, over the connector's own
    """

    conn_name_attr = "netmera_kinesis_conn_id"
    default_conn_name = "netmera_kinesis_default"
    conn_type = "netmera_kinesis"
    hook_name = "Netmera Kinesis"

    def __init__(self, netmera_kinesis_conn_id: str = default_conn_name, config: Config | None = None) -> None:
        # AWS_ENDPOINT_URL and the like belong to somebody else's settings. STS, for a role, has the same patience.
        own = Config(
            ignore_configured_endpoint_urls=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
        )
        super().__init__(aws_conn_id=None, config=own.merge(config) if config else own)
        # A template makes a number of an id that has digits only.
        self.netmera_kinesis_conn_id = str(netmera_kinesis_conn_id)

    @cached_property
    def settings(self) -> ConnectorSettings:
        """What the connection says beside its keys.

        :raises ConfigurationError: naming the connection, each faulty field and what to do
        """
        found = self._found_connection
        return read_settings(self.netmera_kinesis_conn_id, found.login, found.password, found.extra)

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """The connection as the amazon provider wants it; everything inherited starts from here."""
        settings, found = self.settings, self._found_connection
        identity = settings.identity
        extra: dict[str, Any] = {
            "region_name": settings.region,
            "endpoint_url": settings.endpoint_url,
            "aws_session_token": read_session_token(found.extra),
            "role_arn": identity.role_arn,
            "assume_role_kwargs": {"ExternalId": identity.external_id} if identity.external_id else {},
            # The endpoint of Kinesis is none of STS.
            "service_config": {"sts": {"endpoint_url": identity.sts_endpoint_url}},
        }
        wrapped = AwsConnectionWrapper.from_connection_metadata(
            conn_id=self.netmera_kinesis_conn_id, login=found.login, password=found.password, extra=extra
        )
        return AwsConnectionWrapper(conn=wrapped, botocore_config=self._config, verify=self._verify)

    @property
    def fingerprint(self) -> str:
        """Tell whether the connection is still the same: nothing can be read out of it."""
        found = self._found_connection
        return fingerprint_of(self.settings, found.login, found.password, read_session_token(found.extra))

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> Any:
        """Return the amazon provider's session; a role is assumed here, and again by itself before it expires.

        :raises CredentialsRefused: STS does not let the role be assumed
        :raises StreamUnreachable: STS does not answer
        """
        try:
            return super().get_session(region_name=region_name, deferrable=deferrable)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "no code"))
            raise CredentialsRefused(
                f"connection '{self.netmera_kinesis_conn_id}': {self.settings.identity}: STS refused with {code}: "
                f"{advice_on(code)}. Check the right to sts:AssumeRole, the role's trust policy and extra 'external_id'"
            ) from None
        except NO_CREDENTIALS as error:
            raise CredentialsRefused(
                f"connection '{self.netmera_kinesis_conn_id}': {self.settings.identity}: {error}"
            ) from None
        except BotoCoreError as error:
            raise StreamUnreachable(
                f"connection '{self.netmera_kinesis_conn_id}': the role could not be assumed: {error}. Check the "
                "network, and extra 'sts_endpoint_url' where STS has an endpoint of its own"
            ) from None

    def put_records_client(self, connections: int) -> Any:
        """Return a Kinesis client that never repeats a request by itself: delivery has to know of each.

        :param connections: how many requests may be under way at once
        """
        config = Config(tcp_keepalive=True, **client_options(connections))
        return self.get_client_type(config=self.config.merge(config))

    def test_connection(self) -> tuple[bool, str]:
        """Check the fields and the keys, and the streams of the configured hooks, in less than three seconds.

        A success is printed too: ``airflow connections test`` silences the log, and shows the answer of a failure only.
        """
        from airflow_netmera_kinesis.connection_test import test_of

        impatient = Config(
            connect_timeout=TEST_TIMEOUT_SECONDS, read_timeout=TEST_TIMEOUT_SECONDS, retries={"total_max_attempts": 1}
        )
        conn_id = self.netmera_kinesis_conn_id
        passed, answer = test_of(conn_id, NetmeraKinesisConnection(conn_id, impatient))
        if passed:
            print(answer)  # noqa: T201 - the only way for it to be seen there
        return passed, answer

    @cached_property
    def _found_connection(self) -> Connection:
        try:
            found = self.get_connection(self.netmera_kinesis_conn_id)
        except AirflowNotFoundException:
            variable = f"AIRFLOW_CONN_{self.netmera_kinesis_conn_id.upper()}"
            if os.environ.get(variable):  # Airflow passes over what it cannot parse, and its log may be silent
                raise ConfigurationError(
                    f"connection '{self.netmera_kinesis_conn_id}': environment variable {variable} is set, but cannot "
                    "be read: write valid JSON, or a URI"
                ) from None
            raise ConfigurationError(
                f"connection '{self.netmera_kinesis_conn_id}' does not exist: create it with type {self.conn_type}, "
                "or name another in netmera_kinesis_conn_id"
            ) from None
        for secret in (found.login, read_session_token(found.extra)):
            if secret:
                mask_secret(secret)  # Airflow masks the password, and extras by their names
        keep_requests_out_of_logs()
        return found

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form of Airflow 2, which does not read it from the provider info."""
        form = CONNECTION_TYPE["ui-field-behaviour"]
        return {key.replace("-", "_"): value for key, value in form.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra fields of Airflow 2's form; its packages are there in that version only."""
        from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
        from wtforms import BooleanField, PasswordField, StringField

        def widget(label: str, description: str, schema: dict[str, Any]) -> Any:
            if schema["type"] == "boolean":
                return BooleanField(label, default=schema["default"], description=description)
            if schema.get("format") == "password":
                return PasswordField(label, widget=BS3PasswordFieldWidget(), description=description)
            return StringField(label, widget=BS3TextFieldWidget(), description=description)

        return {name: widget(**field) for name, field in CONNECTION_TYPE["conn-fields"].items()}


def keep_requests_out_of_logs() -> None:
    """At level DEBUG botocore prints whole requests and answers: events, users, and the keys that STS gave."""
    for name in ("botocore.endpoint", "botocore.auth", "botocore.parsers"):
        printing = logging.getLogger(name)
        if printing.isEnabledFor(logging.DEBUG):
            printing.setLevel(logging.INFO)
