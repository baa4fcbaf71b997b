"""``netmera-kinesis plan``: say what a run would send and what its streams must take. It asks AWS nothing."""

from __future__ import annotations

from pathlib import Path

import click

from airflow_netmera_kinesis.cli.documents import definitions_at, export_format_at, files_at
from airflow_netmera_kinesis.cli.exit_status import DONE, FAILED
from airflow_netmera_kinesis.cli.options import export_format_option, exports_option, hooks_option, max_record_size
from airflow_netmera_kinesis.cli.output import as_json, print_json, progress_bar, text_console
from airflow_netmera_kinesis.cli.plan_text import print_report
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.forecast.prices import Prices, read_prices, shipped_prices
from airflow_netmera_kinesis.forecast.report import MOST_SHARDS, Assumptions, report_of
from airflow_netmera_kinesis.forecast.survey import survey

EXAMPLE = """\b
Example:
  netmera-kinesis plan --exports exports/ --hooks hooks.yaml --shards 1,2,4
"""


class ShardCounts(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic in the newest click only
    """Whole numbers with commas between them."""

    name = "numbers"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read ``1,2,4``."""
        counts = [text.strip() for text in str(value).split(",")]
        if not all(text.isdecimal() and 1 <= int(text) <= MOST_SHARDS for text in counts):
            self.fail(f"{value!r} is not a list of whole numbers from 1 to {MOST_SHARDS}, such as 1,2,4", param, ctx)
        return tuple(sorted({int(text) for text in counts}))


@click.command(epilog=EXAMPLE)
@exports_option
@hooks_option
@export_format_option
@click.option("--shards", type=ShardCounts(), default="1,2,4,8", show_default=True, help="Counts of shards to compare.")
@click.option(
    "--within",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long sending all of it may take.",
)
@click.option(
    "--latency",
    type=click.FloatRange(min=0, min_open=True),
    default=0.025,
    show_default=True,
    metavar="SECONDS",
    help="How long a PutRecords request takes.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    help="How many days the exports stand for, for the price of a month.  [default: as the events' times say]",
)
@max_record_size
@click.option("--prices", type=click.Path(dir_okay=False, path_type=Path), help="A YAML file with your own prices.")
@click.option("--top", type=click.IntRange(0, 1000), default=5, show_default=True, help="How many users to show.")
@as_json
@click.pass_context
def command(
    ctx: click.Context,
    exports: str | None,
    hooks: str | None,
    export_format: str | None,
    shards: tuple[int, ...],
    within: float,
    latency: float,
    days: float | None,
    max_record_size: int,
    prices: Path | None,
    top: int,
    as_json: bool,
) -> None:
    """Foretell a run: matches, load per shard, hot users, cost.

    Reads all exports and matches them as a run would, but stages and sends nothing and asks AWS nothing. The busiest
    users are shown by their partition keys: mind who reads the output.
    """
    definitions, read_as = definitions_at(hooks), export_format_at(export_format)
    assumed = Assumptions(within, latency, days or 0, shards, top, _prices(prices))
    folder, files = files_at(exports, read_as)
    with progress_bar("Reading", sum(info.size for info in files)) as advance:
        found = survey(folder, files, definitions, read_as, max_record_size * 1024, advance)
    report = report_of(found, definitions, assumed)
    if as_json:
        print_json(report)
    else:
        print_report(text_console(), report)
    ctx.exit(FAILED if report.damaged else DONE)


def _prices(path: Path | None) -> Prices:
    if path is None:
        return shipped_prices()
    try:
        return read_prices(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigurationError(f"--prices is {str(path)!r}: it cannot be read ({error.strerror})") from None
