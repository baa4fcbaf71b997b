"""Look at every stream of a slice before the first record goes to any of them: until then it can be planned anew."""

from __future__ import annotations

from typing import Any

from airflow_netmera_kinesis.delivery.auto_distribution import check_allowed
from airflow_netmera_kinesis.delivery.stream_description import addresses_of, describe_stream
from airflow_netmera_kinesis.errors import ConfigurationError, CredentialsRefused, StreamRefused
from airflow_netmera_kinesis.stages.gate import load_matched
from airflow_netmera_kinesis.state.ledger import anything_sent
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder


def check_streams(state: Folder, current: Slice, client: Any) -> None:
    """Describe the streams of all partitions, unless a part of the slice was sent before.

    :raises ConfigurationError: a stream does not exist, or ignores partition keys
    :raises CredentialsRefused: the credentials may be right in the next try
    :raises StreamUnreachable: nobody answers
    """
    matched = load_matched(state, current.id)
    if matched is None or anything_sent(state, current.id):
        return
    addresses = addresses_of(current.hooks)
    for stream in sorted(matched.staged):
        hooks = [hook for hook in current.hooks if hook.active and hook.stream == stream]
        try:
            description = describe_stream(client, stream, addresses[stream])
        except CredentialsRefused:
            raise
        except StreamRefused as refusal:
            names = ", ".join(hook.name for hook in hooks)
            raise ConfigurationError(
                f"{refusal}. It is the stream of hook {names}. Nothing of slice {current.id} was sent: the next run "
                "begins anew, with mended definitions or a mended connection"
            ) from None
        if description.ignores_keys:
            check_allowed(stream, hooks)
