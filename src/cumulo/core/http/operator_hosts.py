"""`/cumulo/hosts`: what an operator decides about hosts.

`GET /cumulo/hosts/unknown`: what is on hosts and in no item. `POST …/adopt`: give one to a
project. `POST …/remove`: have its host remove it; nothing else does.

`GET /cumulo/hosts`, `/cumulo/hosts/{host}`; `POST …/enable`, `…/disable`, `…/remove`: whether it is
given new work, and its leaving. `POST /cumulo/hosts/tokens`: lets another machine join.
"""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.machines import Machines
from cumulo.core.hosts.model import HostRow, MachineRow
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation, Reply

RULES = {f"cumulo:unknown:{verb}": "rule:system_admin" for verb in ("list", "adopt", "remove")} | {
    f"cumulo:hosts:{verb}": "rule:system_admin"
    for verb in ("list", "show", "enable", "disable", "remove", "token")
}

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """One unknown thing."""

    host: Name
    kind: Name
    id: Name


class Adoption(Named, forbid_unknown_fields=True, kw_only=True):
    project: Name


class UnknownThing(msgspec.Struct):
    host: str
    kind: str
    id: str
    facts: dict[str, Any]
    found_at: str


class UnknownList(msgspec.Struct):
    unknown: list[UnknownThing]


class Adopted(msgspec.Struct):
    adopted: dict[str, Any]


class TokenWish(msgspec.Struct, forbid_unknown_fields=True):
    name: Name | None = None
    """Only the host of this name; one that is there may join again with it."""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=7 * 24 * 60)] = 60


class MadeToken(msgspec.Struct):
    token: str
    url: str
    """Where the machine dials."""
    minutes: int


class HostView(msgspec.Struct):
    name: str
    enabled: bool
    alive: bool
    connected: bool
    """With this control plane, at this moment."""
    joined: bool
    """From another machine."""
    kinds: list[str]
    last_seen: str
    has: dict[str, int]
    """How many things are on it, by the kind of work."""
    certificate_until: str | None = None


class HostList(msgspec.Struct):
    hosts: list[HostView]


class HostOperations:
    """`link`: the address at which hosts dial in."""

    def __init__(self, conductor: Conductor, machines: Machines, link: tuple[str, int]) -> None:
        self._conductor = conductor
        self._machines = machines
        self._link = link

    def operations(self) -> list[Operation]:
        at = "/hosts/unknown"
        one = [
            Operation("POST", f"/hosts/{{host}}/{verb}", change, policy=f"cumulo:hosts:{verb}")
            for verb, change in (
                ("enable", self.enable),
                ("disable", self.disable),
                ("remove", self.remove_host),
            )
        ]
        return [
            Operation("GET", "/hosts", self.hosts, policy="cumulo:hosts:list"),
            Operation(
                "POST", "/hosts/tokens", self.token, policy="cumulo:hosts:token", body=TokenWish
            ),
            Operation("GET", "/hosts/{host}", self.show, policy="cumulo:hosts:show"),
            *one,
            Operation("GET", at, self.list, policy="cumulo:unknown:list"),
            Operation(
                "POST", f"{at}/adopt", self.adopt, policy="cumulo:unknown:adopt", body=Adoption
            ),
            Operation(
                "POST", f"{at}/remove", self.remove, policy="cumulo:unknown:remove", body=Named
            ),
        ]

    def hosts(self, call: Call, tx: Tx) -> Any:
        machines = self._machines.machines(tx)
        rows = self._conductor.registry.all(tx)
        return HostList([self._view(tx, row, machines.get(row.id)) for row in rows])

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._machines.host(tx, call.path["host"])
        return self._view(tx, row, self._machines.machines(tx).get(row.id))

    def enable(self, call: Call, tx: Tx) -> Reply:
        self._machines.enable(tx, call.path["host"], True)
        return Reply(202, None)

    def disable(self, call: Call, tx: Tx) -> Reply:
        self._machines.enable(tx, call.path["host"], False)
        return Reply(202, None)

    def remove_host(self, call: Call, tx: Tx) -> Reply:
        self._conductor.remove_host(tx, self._machines, call.path["host"])
        return Reply(202, None)

    def token(self, call: Call, tx: Tx) -> Any:
        wish: TokenWish = call.body
        token = self._machines.new_token(tx, wish.name, wish.minutes)
        address, port = self._link
        shown = f"[{address}]" if ":" in address else address
        return MadeToken(token, f"https://{shown}:{port}", wish.minutes)

    def _view(self, tx: Tx, row: HostRow, machine: MachineRow | None) -> HostView:
        return HostView(
            name=row.id,
            enabled=row.enabled,
            alive=is_alive(row, tx.now),
            connected=self._conductor.connected(row.id),
            joined=machine is not None,
            kinds=row.roles,
            last_seen=row.last_seen,
            has=dict(self._machines.left_on(tx, row.id)),
            certificate_until=None if machine is None else machine.expires_at,
        )

    def list(self, call: Call, tx: Tx) -> Any:
        return UnknownList(
            [
                UnknownThing(row.host_id, row.kind, row.id, row.facts, row.found_at)
                for row in self._conductor.unknown.all(tx)
            ]
        )

    def adopt(self, call: Call, tx: Tx) -> Any:
        wish: Adoption = call.body
        made = self._conductor.adopt(tx, wish.host, wish.kind, wish.id, wish.project)
        return Adopted(dict(made))

    def remove(self, call: Call, tx: Tx) -> Reply:
        wish: Named = call.body
        self._conductor.unknown.remove(tx, wish.host, wish.kind, wish.id)
        return Reply(202, None)
