"""Who asks, and by which request: what history and actions are written with."""

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.faults import BadRequest


class Who(msgspec.Struct, frozen=True):
    principal: Principal
    request_id: str


def project_of(who: Who) -> str:
    """Whose the new thing is. Raises BadRequest for a token of a domain, or of the system."""
    if who.principal.project_id is None:
        raise BadRequest("A token that is scoped to a project is required.")
    return who.principal.project_id
