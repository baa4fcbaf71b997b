"""Count rows that came again on a later page, which may mean equal rows, or pages that shifted while they were read.

A result that arrives between two requests can push the last rows of one page onto the next one. Only another question
tells that from equal rows: the one for these rows' own time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from airflow_netmera_kinesis.push_results.row import PulledRow, row_of
from airflow_netmera_kinesis.rest.client import NetmeraClient
from airflow_netmera_kinesis.rest.paging import Query, pages

MAX_PAGES = 20


def recount(client: NetmeraClient, query: Query, rows: Collection[PulledRow]) -> Mapping[bytes, int]:
    """Return how often each of the rows is among the results of their time; at least once, as each did come.

    Where that cannot be found out, a row counts once: another copy of it is new to a later pull.
    """
    wanted = {row.digest for row in rows}
    times = [row.time_ms for row in rows if row.time_ms is not None]
    if not times:
        return dict.fromkeys(wanted, 1)
    # Whether start and end belong to what is asked for is not documented.
    near = Query(min(times) - 1, max(times) + 1, query.page_size, query.notification_key)
    found: Counter[bytes] = Counter()
    for number, page in enumerate(pages(client, near), 1):
        if number > MAX_PAGES:
            return dict.fromkeys(wanted, 1)
        read = (row_of(raw, query.notification_key).digest for raw in page)
        found.update(digest for digest in read if digest in wanted)
    return {digest: max(1, found[digest]) for digest in wanted}
