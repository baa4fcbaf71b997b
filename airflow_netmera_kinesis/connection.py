"""Turn a connection of type ``netmera_kinesis`` into a Kinesis client with that connection's keys and no others."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.kinesis import KinesisHook
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from airflow_netmera_kinesis.connector import ConnectorSettings, read_settings
from airflow_netmera_kinesis.delivery.wire import client_options
from airflow_netmera_kinesis.errors import ConfigurationError
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

# https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
ADVICE = {
    "UnrecognizedClientException": "the API key is unknown there: check API key and region",
    "InvalidClientTokenId": "the API key is unknown there: check API key and region",
    "InvalidSignatureException": "the secret key does not belong to the API key, or this machine's clock is wrong",
    "IncompleteSignature": "the API key or the secret key is not written as AWS gave it",
    "ExpiredTokenException": "the keys have expired: put new ones into the connection",
}
# Kinesis says this only after it has found the keys and their signature right.
NOT_ALLOWED = ("AccessDeniedException", "AccessDenied")


class NetmeraKinesisConnection(KinesisHook):
    """The connector: sessions, refreshing roles, user agent and clients are the amazon provider's own.

    Where the amazon provider falls back to other credentials (environment, ``~/.aws``, instance profile), this one
    raises :class:`~airflow_netmera_kinesis.errors.ConfigurationError`.

    :param netmera_kinesis_conn_id: id of the Airflow connection
    """

    conn_name_attr = "netmera_kinesis_conn_id"
    default_conn_name = "netmera_kinesis_default"
    conn_type = "netmera_kinesis"
    hook_name = "Netmera Kinesis"

    def __init__(self, netmera_kinesis_conn_id: str = default_conn_name) -> None:
        # AWS_ENDPOINT_URL and the like belong to somebody else's settings.
        super().__init__(aws_conn_id=None, config=Config(ignore_configured_endpoint_urls=True))
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

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
        extra = {"region_name": settings.region, "endpoint_url": settings.endpoint_url}
        wrapped = AwsConnectionWrapper.from_connection_metadata(
            conn_id=self.netmera_kinesis_conn_id, login=found.login, password=found.password, extra=extra
        )
        return AwsConnectionWrapper(conn=wrapped, botocore_config=self._config, verify=self._verify)

    def put_records_client(self, connections: int) -> Any:
        """Return a Kinesis client that never repeats a request by itself: delivery has to know of each.

        :param connections: how many requests may be under way at once
        """
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            tcp_keepalive=True,
            **client_options(connections),
        )
        return self.get_client_type(config=self.config.merge(config))

    def test_connection(self) -> tuple[bool, str]:
        """Ask for one stream's name: that needs the least rights, and it goes to the endpoint that records go to.

        A success is printed too: ``airflow connections test`` silences the log, and shows the answer of a failure only.
        """
        try:
            passed, answer = self._ask_for_a_stream()
        except ConfigurationError as error:
            return False, str(error)
        except BotoCoreError as error:
            return False, f"Kinesis could not be asked in region {self.settings.region}: {error}"
        if passed and not self.settings.active:
            answer += "; the connector is INACTIVE, so no hook sends anything"
        if passed:
            print(answer)  # noqa: T201 - the only way for it to be seen there
        return passed, answer

    def _ask_for_a_stream(self) -> tuple[bool, str]:
        config = Config(
            connect_timeout=TEST_TIMEOUT_SECONDS, read_timeout=TEST_TIMEOUT_SECONDS, retries={"total_max_attempts": 1}
        )
        client = self.get_client_type(config=self.config.merge(config))
        asked = f"Asked {client.meta.endpoint_url} (region {client.meta.region_name}) for ListStreams: "
        try:
            answer = client.list_streams(Limit=1)
        except ClientError as error:
            return judge_refusal(asked, error.response.get("Error", {}).get("Code", "no code"))
        if "StreamNames" not in answer:
            return False, asked + "no answer of Kinesis: check extra 'endpoint_url'"
        return True, asked + "the keys were accepted; not checked: each hook's stream, and the right to write to it"

    @cached_property
    def _found_connection(self) -> Connection:
        try:
            found = self.get_connection(self.netmera_kinesis_conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"connection '{self.netmera_kinesis_conn_id}' does not exist: create it with type {self.conn_type}, "
                "or name another in netmera_kinesis_conn_id"
            ) from None
        if found.login:
            mask_secret(found.login)  # Airflow masks the password only
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
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from wtforms import BooleanField, StringField

        def widget(label: str, description: str, schema: dict[str, Any]) -> Any:
            if schema["type"] == "boolean":
                return BooleanField(label, default=schema["default"], description=description)
            return StringField(label, widget=BS3TextFieldWidget(), description=description)

        return {name: widget(**field) for name, field in CONNECTION_TYPE["conn-fields"].items()}


def keep_requests_out_of_logs() -> None:
    """At level DEBUG botocore prints whole requests: events, users, and the API key that stands in the signature."""
    printing = logging.getLogger("botocore.endpoint")
    if printing.isEnabledFor(logging.DEBUG):
        printing.setLevel(logging.INFO)


def judge_refusal(asked: str, code: str) -> tuple[bool, str]:
    """Tell what an error code says about the keys; never its message, which may quote the request."""
    if code in NOT_ALLOWED:
        return True, asked + (
            "the keys were accepted but may not list streams, which sending does not need; "
            "not checked: each hook's stream, and the right to write to it"
        )
    if code.isdigit():
        return False, f"{asked}HTTP status {code} and no answer of Kinesis: check extra 'endpoint_url', and any proxy"
    return False, f"{asked}{code}, {ADVICE.get(code, 'see its meaning in the Kinesis API reference')}"
