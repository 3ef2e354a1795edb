"""Signals: what guests and others have told a resource of a stack."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, table


@table("orchestration_signals")
class SignalRow(Row, frozen=True):
    """One of a wait condition's handle."""

    resource_id: Annotated[
        str, Key(), References("orchestration_resources.id", on_delete="CASCADE")
    ]
    name: Annotated[str, Key()]
    """The id that the sender gave it, or its number: one of the same name takes its place."""
    status: str
    reason: str
    data: dict[str, Any]
    """`value`: whatever was sent."""
    at: Moment
