"""Lead from a send task to its streams in the AWS console, and to the dead letters of its slice.

What a link needs is written as XCom before the first record is sent, so that a task that failed has its links, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from airflow_netmera_kinesis.state.slice import Slice

KEY = "netmera_kinesis_links"
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
CONSOLE = "console.aws.amazon.com"


class KinesisStreamLink(BaseOperatorLink):
    """To the page of the slice's stream, or to the list of streams if it has several."""

    name = "Kinesis stream"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return no link where another endpoint than AWS' own takes the records."""
        return _kept("stream", ti_key)


class DeadLettersLink(BaseOperatorLink):
    """To the folder of the slice's dead letters."""

    name = "Dead letters"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return a page of the store's console, or the folder's URI where there is none."""
        return _kept("dead_letters", ti_key)


def keep_links(context: Context, current: Slice, state_uri: str) -> None:
    """Write down both links of a send task."""
    region, streams = current.target.region, sorted({hook.stream for hook in current.hooks if hook.active})
    stream = "" if current.target.endpoint_url else stream_page(region, streams)
    dead_letters = folder_page(f"{state_uri}/dead_letters/{current.id}/", region)
    context["ti"].xcom_push(key=KEY, value={"stream": stream, "dead_letters": dead_letters})


def stream_page(region: str, streams: list[str]) -> str:
    """Return the console's page of one stream, or of all."""
    page = f"details/{quote(streams[0])}/monitoring" if len(streams) == 1 else "list"
    return f"https://{region}.{_console(region)}/kinesis/home?region={region}#/streams/{page}"


def folder_page(uri: str, region: str) -> str:
    """Return where a browser shows a folder; ``region`` tells which of AWS' consoles."""
    scheme, _, rest = uri.partition("://")
    authority, _, path = rest.partition("/")
    bucket = authority.rpartition("@")[2]
    if scheme in ("s3", "s3a"):
        return f"https://{_console(region)}/s3/buckets/{bucket}?prefix={quote(path)}"
    if scheme in ("gs", "gcs"):
        return f"https://console.cloud.google.com/storage/browser/{bucket}/{quote(path)}"
    return uri if rest else f"file://{quote(uri)}"


def _console(region: str) -> str:
    return next((host for prefix, host in CONSOLES.items() if region.startswith(prefix)), CONSOLE)


def _kept(link: str, ti_key: TaskInstanceKey) -> str:
    links: Any = XCom.get_value(key=KEY, ti_key=ti_key)
    return str(links.get(link, "")) if isinstance(links, dict) else ""
