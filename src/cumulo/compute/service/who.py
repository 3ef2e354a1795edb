"""Who asks, and by which request: what history and actions are written with."""

import msgspec

from cumulo.core.auth.principal import Principal


class Who(msgspec.Struct, frozen=True):
    principal: Principal
    request_id: str
