"""The row of a job; see `jobs`."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, Row, table


@table("jobs", IndexOn("kind", "project_id", "due"))
class JobRow(Row, frozen=True):
    """Work that is not finished. The row goes in the transaction that ends the work, so that a
    table of jobs is a table of what is still to be done."""

    id: Annotated[str, Key()]
    kind: str
    """`service.verb`, as the service registered it."""
    subject: Annotated[str, Index()]
    """The id of what the work is about: an image, a node, a stack."""
    project_id: str
    """Whose slots it takes; "" is the cloud's own work."""
    step: str
    """The step that is to be done (or undone) next."""
    undoing: bool
    memo: dict[str, Any]
    """What the steps leave for the next ones; its shape is the kind's."""
    epoch: int
    """Grows with each lease: what an earlier holder writes is refused."""
    lease_by: str | None
    """The process that is at it; None: nobody."""
    due: Annotated[Moment, Index()]
    """When somebody may take it: at once, after a pause, or when the lease ends."""
    attempts: int
    """Tries of this step that began and did not come to their end."""
    nudged: bool
    """Somebody said that there is news while it was in work: a pause is not waited for."""
    cancel: bool
    """It is to be undone, if it is not beyond its point of no return."""
    progress: int
    """How far the step is, in the kind's own unit (bytes, percent)."""
    reason: str | None
    """Why it is undone, or is to be cancelled."""
    fault: str | None
    """Why the last try failed; None: it did not."""
    created_at: Moment
    updated_at: Moment
