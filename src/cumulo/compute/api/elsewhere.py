"""What the proxies share: asking another service of this cloud as the user who asks us.

Compute had images, networks, addresses and volumes before those services were. Up to API 2.35 it
answers for them still; each answer is the other service's own, by its operation, for the same
user: its rules, its quota, its words of refusal.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cumulo.core.faults import BadRequest, Fault, Forbidden
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation

LAST = "2.35"


class Elsewhere:
    def __init__(self, caller: Caller, mount: str, *, version: str | None = None) -> None:
        self._caller = caller
        self._mount = mount
        self._version = version

    async def ask(
        self,
        call: Call,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. Raises the fault that the service refused with."""
        result = await self._caller.call(
            call.principal,
            method,
            f"{self._mount}{path}",
            body,
            query=query,
            version=self._version,
            headers=headers,
        )
        return result.checked().body

    async def all(
        self, call: Call, path: str, key: str, query: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """One page of a list, as long as the service allows."""
        found = await self.ask(call, "GET", path, query=query or {})
        items: list[dict[str, Any]] = found[key]
        return items


def old(method: str, path: str, handler: Callable[..., Any], rule: str, **more: Any) -> Operation:
    """An operation that is there up to API 2.35."""
    given = {"until": LAST, **more}
    return Operation(method, path, handler, policy=f"os_compute_api:{rule}", kind="stream", **given)


def as_bad_request(fault: Fault) -> Fault:
    """What another service has a conflict about is a bad request here; no quota is Forbidden."""
    if fault.status in (403, 413):
        return Forbidden(fault.message)
    return BadRequest(fault.message) if fault.status in (400, 409, 422) else fault
