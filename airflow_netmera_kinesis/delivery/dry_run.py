"""Ask Kinesis whether a stream may be written, without writing: PutRecords with DryRun, where that is honoured.

Only AWS itself is known to honour it; whoever does not know the parameter stores the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_netmera_kinesis.delivery.asking import ask
from airflow_netmera_kinesis.errors import StreamRefused

# https://docs.aws.amazon.com/streams/latest/dev/kds-dryrun-validation.html
RECORD = {"Data": b"{}", "PartitionKey": "preflight"}


def knows_dry_run(client: Any) -> bool:
    """Say whether this botocore can ask for it: an older one would leave the parameter out, or refuse the call."""
    return "DryRun" in client.meta.service_model.operation_model("PutRecords").input_shape.members


def dry_run(client: Any, stream: str, address: Mapping[str, str]) -> None:
    """Return if PutRecords would have been taken.

    :raises StreamRefused: it would not, or the record was stored in spite of DryRun
    :raises StreamUnreachable: nobody answers
    """
    about = f"stream {stream}"

    def put(**asked: Any) -> bool:
        try:
            client.put_records(Records=[RECORD], DryRun=True, **asked)
        except client.exceptions.DryRunOperationException:
            return True
        return False

    hint = "Check the stream's name, and the right to kms:GenerateDataKey if it is encrypted with a key of yours"
    if not ask(put, about, hint=hint, **address):
        raise StreamRefused(f"{about}: PutRecords stored a record in spite of DryRun: this is not AWS' Kinesis")
