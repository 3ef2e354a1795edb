"""What the API says of a zone or a set of records: action and status, of what was asked and what
is served."""

from typing import Literal

Action = Literal["CREATE", "UPDATE", "DELETE", "NONE"]
Status = Literal["PENDING", "ACTIVE", "ERROR"]


def state_of(
    *, wanted: bool, change: int, served: int, version: int = 1, fault: str | None = None
) -> tuple[Action, Status]:
    """`change`: the number of its last change; `served`: up to which one all name servers have it,
    0 if they never had it. A name server that lags makes it PENDING, however long; ERROR is what
    one refuses. `version`: above 1 it was changed since it was made, whoever has seen it."""
    status: Status = "ERROR" if fault else "PENDING"
    if not wanted:
        return "DELETE", status
    if served >= change:
        return "NONE", "ERROR" if fault else "ACTIVE"
    return ("UPDATE" if served or version > 1 else "CREATE"), status
