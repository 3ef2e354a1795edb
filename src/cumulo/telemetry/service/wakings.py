"""What makes alarms look: new measures of their metrics, other resources, another process."""

from collections.abc import Sequence

from cumulo.core.db.transaction import Tx
from cumulo.telemetry.model.alarm import NEVER
from cumulo.telemetry.queries import alarm as queries

AT_ONCE = 500


def watching(tx: Tx, metric_ids: Sequence[str]) -> list[str]:
    """The alarms that wait for measures of these metrics."""
    found: dict[str, None] = {}
    for first in range(0, len(metric_ids), AT_ONCE):
        some = list(metric_ids[first : first + AT_ONCE])
        found |= {str(id): None for (id,) in tx.tuples(queries.WATCHING, metrics=some)}
    return list(found)


def look_soon(tx: Tx, ids: Sequence[str]) -> None:
    """These look at once, in whatever process."""
    for first in range(0, len(ids), AT_ONCE):
        tx.run(queries.SOON, now=tx.now, never=NEVER, ids=list(ids[first : first + AT_ONCE]))


def all_soon(tx: Tx) -> None:
    """All look once: measures may have come that a process did not live to look at."""
    tx.run(queries.ALL_SOON, now=tx.now, never=NEVER)


def search_again(tx: Tx, project_id: str | None) -> bool:
    """A project's resources or metrics are others: what searches for some looks again."""
    return tx.run(queries.SEARCH_AGAIN, now=tx.now, project=project_id) > 0
