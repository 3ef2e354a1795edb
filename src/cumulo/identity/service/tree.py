"""The tree of projects below a domain: upwards and downwards."""

from cumulo.core.db.transaction import Tx
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.queries import project as queries


def ancestors(tx: Tx, project: ProjectRow) -> list[ProjectRow]:
    """The projects above, the nearest first; the domain is not among them."""
    above = []
    while project.parent_id is not None:
        found = tx.get(ProjectRow, project.parent_id)
        assert found is not None, project.parent_id
        above.append(found)
        project = found
    return above


def subtree(tx: Tx, project_id: str) -> list[ProjectRow]:
    """All projects below, level by level."""
    below: list[ProjectRow] = []
    level = [project_id]
    while level:
        rows = tx.all(queries.SUBTREE_STEP, parent_ids=level)
        below.extend(rows)
        level = [row.id for row in rows]
    return below
