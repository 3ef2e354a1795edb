"""`/cumulo/dns`: what the command line asks about pools and abandoned zones; for administrators.

`GET …/pools`: servers that are not the cloud's own, and what waits for them; `POST …/pools/tell`:
they are told all zones again. `GET …/left`: zones that are nobody's and are answered for; `POST
…/left/end`: one of them is not any more.
"""

from typing import Annotated

import msgspec

from cumulo.core.auth.policy import Rules
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.http import faults
from cumulo.core.http.operations import Call, Face, Operation
from cumulo.core.wire.shapes import Body
from cumulo.dns.service.dns import DnsService

RULES = {
    "dns:pools": "rule:system_admin",
    "dns:left": "rule:system_admin",
    "system_admin": "role:admin",
}


class PoolWish(msgspec.Struct, forbid_unknown_fields=True):
    pool: Annotated[str, msgspec.Meta(max_length=50)] = ""
    """Its name; empty: all."""


class PoolBody(Body, kw_only=True):
    name: str
    servers: list[str]
    waiting: int
    """Zones that they do not have as they are."""
    telling: bool
    """They are to be told all zones again."""


class PoolsBody(Body, kw_only=True):
    pools: list[PoolBody]


class ZoneName(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=255)]


class LeftZone(Body, kw_only=True):
    name: str
    project_id: str
    """Whose it was."""
    left_at: Moment


class LeftBody(Body, kw_only=True):
    left: list[LeftZone]


class OperatorApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns

    def face(self) -> Face:
        return Face(
            name="dns_operator",
            mount="/cumulo/dns",
            faults=faults.identity,
            rules=Rules(RULES),
            operations=[
                Operation("GET", "/pools", self.list, policy="dns:pools", response=PoolsBody),
                Operation(
                    "POST",
                    "/pools/tell",
                    self.tell,
                    policy="dns:pools",
                    body=PoolWish,
                    response=PoolsBody,
                ),
                Operation("GET", "/left", self.left, policy="dns:left", response=LeftBody),
                Operation(
                    "POST",
                    "/left/end",
                    self.end,
                    policy="dns:left",
                    body=ZoneName,
                    response=LeftBody,
                ),
            ],
        )

    def list(self, call: Call, tx: Tx) -> PoolsBody:
        return PoolsBody(
            pools=[
                PoolBody(name=pool.name, servers=pool.identities, waiting=waiting, telling=telling)
                for pool, waiting, telling in self._dns.mirrors.shown(tx)
            ]
        )

    def tell(self, call: Call, tx: Tx) -> PoolsBody:
        self._dns.mirrors.tell_again(tx, call.body.pool)
        return self.list(call, tx)

    def left(self, call: Call, tx: Tx) -> LeftBody:
        return LeftBody(
            left=[
                LeftZone(name=row.name, project_id=row.project_id, left_at=row.left_at)
                for row in self._dns.zones.left.all(tx)
            ]
        )

    def end(self, call: Call, tx: Tx) -> LeftBody:
        """Raises NotFound."""
        self._dns.zones.left.end_of(tx, call.body.name)
        return self.left(call, tx)
