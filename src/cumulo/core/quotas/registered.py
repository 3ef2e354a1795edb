"""What all projects have by default is registered in identity, for all services in one place. The
older APIs of quota classes write it there."""

from collections.abc import Mapping
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.http.caller import Caller

DEFAULT = "default"
"""The class of quotas that all projects are in."""
LONGEST_CLASS = 255
_REGISTERED = "registered_limits"


def register(
    caller: Caller, tx: Tx, who: Principal, catalog_type: str, values: Mapping[str, int]
) -> None:
    """By the caller's own right in identity. Raises what that refuses."""

    def ask(method: str, path: str, body: Any = None, **query: str) -> Any:
        found = caller.call_in(tx, who, method, f"/identity/v3/{path}", body, query=query)
        return found.checked().body

    [service, *_] = ask("GET", "services", type=catalog_type)["services"]
    there = ask("GET", _REGISTERED, service_id=service["id"])[_REGISTERED]
    ids = {each["resource_name"]: each["id"] for each in there if not each["region_id"]}
    for name, value in values.items():
        if name in ids:
            change = {"registered_limit": {"default_limit": value}}
            ask("PATCH", f"{_REGISTERED}/{ids[name]}", change)
        else:
            wish = {"service_id": service["id"], "resource_name": name}
            ask("POST", _REGISTERED, {_REGISTERED: [{**wish, "default_limit": value}]})
