"""Tell OpenLineage what a task has read and written: files, and ``kinesis://<region>`` with a stream's name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow_netmera_kinesis.log import Log

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import InputDataset, OutputDataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_netmera_kinesis.stages.lineage import FileRead, Lineage


def gather(describe: Callable[[], Lineage | None], log: Log) -> Lineage | None:
    """Describe a task's lineage if anybody may ask for it; without OpenLineage's provider nothing is read for it."""
    if find_spec("airflow.providers.openlineage") is None:
        return None
    try:
        return describe()
    except Exception as error:  # noqa: BLE001 - what is sent is sent: a task does not fail for what is told of it
        log.warning("its lineage cannot be told (%s)", type(error).__name__)
        return None


def facets_of(lineage: Lineage | None) -> OperatorLineage[Any, Any] | None:
    """Return what ``get_openlineage_facets_on_complete`` returns."""
    if lineage is None:
        return None
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=[_file(read) for read in lineage.files],
        outputs=[_stream(lineage.region, stream, records) for stream, records in sorted(lineage.delivered.items())],
    )


def _file(read: FileRead) -> InputDataset:
    """Names are those of https://openlineage.io/docs/spec/naming."""
    from airflow.providers.common.compat.openlineage.facet import InputDataset
    from openlineage.client.facet_v2 import input_statistics_input_dataset as statistics

    namespace, name = "file", read.uri
    if "://" in read.uri:
        scheme, _, rest = read.uri.partition("://")
        authority, _, name = rest.partition("/")
        namespace = f"{scheme}://{authority}"
    facet = statistics.InputStatisticsInputDatasetFacet(rowCount=read.rows, size=read.size)
    return InputDataset(namespace=namespace, name=name, inputFacets={"inputStatistics": facet})


def _stream(region: str, stream: str, records: int) -> OutputDataset:
    from airflow.providers.common.compat.openlineage.facet import OutputDataset, OutputStatisticsOutputDatasetFacet

    facet = OutputStatisticsOutputDatasetFacet(rowCount=records)
    return OutputDataset(namespace=f"kinesis://{region}", name=stream, outputFacets={"outputStatistics": facet})
