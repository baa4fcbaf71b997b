"""Turn a connection of type ``netmera_rest`` into a client of Netmera's REST API."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_netmera_kinesis.errors import ConfigurationError, RestError
from airflow_netmera_kinesis.rest.address import Address
from airflow_netmera_kinesis.rest.settings import read_rest_settings
from airflow_netmera_kinesis.rest_connection_form import REST_CONNECTION_TYPE

if TYPE_CHECKING:
    import requests
    from airflow.providers.common.compat.sdk import Connection

    from airflow_netmera_kinesis.rest.client import NetmeraClient, Patience

# The form waits for the answer, and a name server may keep it waiting longer than any timeout of a request.
TEST_SECONDS = 2.5
TEST_TIMEOUT_SECONDS = 1.2
ASKED_MS = 60_000


class NetmeraRestConnection(BaseHook):
    """Netmera's REST API with the key of one app. An empty base URL stands for Netmera's own.

    :param netmera_rest_conn_id: id of the Airflow connection
    """

    conn_name_attr = "netmera_rest_conn_id"
    default_conn_name = "netmera_rest_default"
    conn_type = "netmera_rest"
    hook_name = "Netmera REST"

    def __init__(self, netmera_rest_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.netmera_rest_conn_id = str(netmera_rest_conn_id)  # a template makes a number of one that has digits only

    @cached_property
    def address(self) -> Address:
        """Where the API is.

        :raises ConfigurationError: naming the connection, each faulty field and what to do
        """
        found = self._found_connection
        return read_rest_settings(self.netmera_rest_conn_id, found.host, found.port, found.password, found.extra)

    def get_conn(self) -> requests.Session:
        """Return a session that holds no key yet: each request of the client carries it."""
        import requests

        return requests.Session()

    def client(self, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep) -> NetmeraClient:
        """Return a client of the REST API.

        :raises ConfigurationError: as ``address`` does
        """
        from airflow_netmera_kinesis.rest.client import NetmeraClient, Patience

        address, key = self.address, self._found_connection.password or ""
        return NetmeraClient(
            self.get_conn(), address, key.strip(), now=time.time, sleep=sleep, patience=patience or Patience()
        )

    def test_connection(self) -> tuple[bool, str]:
        """Ask for one push result of the last minute: what the pull asks for, and the least of it.

        A success is printed too: ``airflow connections test`` silences the log, and shows the answer of a failure only.
        """
        try:
            passed, answer = self._answer_in_time()
        except ConfigurationError as error:
            return False, str(error)
        if passed:
            print(answer)  # noqa: T201 - the only way for it to be seen there
        return passed, answer

    def _answer_in_time(self) -> tuple[bool, str]:
        from airflow_netmera_kinesis.rest.client import Patience

        client = self.client(Patience(TEST_TIMEOUT_SECONDS, TEST_TIMEOUT_SECONDS, TEST_SECONDS, tries=1))
        answers: queue.SimpleQueue[tuple[bool, str]] = queue.SimpleQueue()
        threading.Thread(target=lambda: answers.put(_ask(client)), name="netmera_rest test", daemon=True).start()
        try:
            return answers.get(timeout=TEST_SECONDS)
        except queue.Empty:
            return False, f"Asked {self.address.base_url} for push results: no answer within {TEST_SECONDS} s"

    @cached_property
    def _found_connection(self) -> Connection:
        try:
            return self.get_connection(self.netmera_rest_conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"connection '{self.netmera_rest_conn_id}' does not exist: create it with type {self.conn_type}, "
                "or name another in netmera_rest_conn_id"
            ) from None

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form of Airflow 2, which does not read it from the provider info."""
        form = REST_CONNECTION_TYPE["ui-field-behaviour"]
        return {key.replace("-", "_"): value for key, value in form.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return no more fields for Airflow 2's form: the standard ones are enough."""
        return {}


def _ask(client: NetmeraClient) -> tuple[bool, str]:
    from airflow_netmera_kinesis.rest.paging import METHOD, Query

    asked = f"Asked {client.address.base_url} for push results of the last minute: "
    end_ms = int(time.time() * 1000)
    try:
        client.page(client.address.url_of(METHOD), Query(end_ms - ASKED_MS, end_ms, page_size=1).params())
    except RestError as error:
        return False, f"{asked}{error}"
    except Exception as error:  # noqa: BLE001 - in a thread nobody else would tell; its text may show the request
        return False, f"{asked}it failed ({type(error).__name__})"
    return True, f"{asked}the REST API key was accepted; not checked: how much Netmera's quota leaves"
