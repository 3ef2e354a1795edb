"""`/cumulo/object-store`: what the command line asks about devices; for administrators.

`GET …/ring`; `POST …/devices`, `POST …/devices/{device}/weight`, `POST …/devices/{device}/forget`;
`POST …/rebalance` and `POST …/audit` wait for a pass of repair.
"""

from typing import Annotated

import msgspec

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict
from cumulo.core.http import faults
from cumulo.core.http.operations import Call, Face, Operation, Reply
from cumulo.core.wire.shapes import Body
from cumulo.core.work import pools
from cumulo.object_store.model.device import DeviceRow
from cumulo.object_store.service.devices import Devices, Seen, Wanted
from cumulo.object_store.service.repair import Figures, Repair

MOUNT = "/cumulo/object-store"
RULES = {
    "object_store:ring": "rule:system_admin",
    "system_admin": "role:admin",
}
Weight = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Text = Annotated[str, msgspec.Meta(max_length=255)]


class DeviceWish(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=63)]
    path: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    weight: Weight = 1.0
    zone: Text = ""
    region: Text = ""


class WeightWish(msgspec.Struct, forbid_unknown_fields=True):
    weight: Weight


class DeviceBody(Body, kw_only=True):
    name: str
    path: str
    weight: float
    zone: str
    region: str
    there: bool
    share: float
    bytes: int
    free: int


class RingBody(Body, kw_only=True):
    replicas: int
    partitions: int
    devices: list[DeviceBody]
    repair: Figures


class RingApi:
    def __init__(self, devices: Devices, repair: Repair, seen: Seen) -> None:
        self._devices = devices
        self._repair = repair
        self._seen = seen

    def face(self) -> Face:
        policy = "object_store:ring"
        return Face(
            name="object_store",
            mount=MOUNT,
            faults=faults.identity,
            rules=Rules(RULES),
            operations=[
                Operation(
                    method,
                    path,
                    handler,
                    policy=policy,
                    body=body,
                    status=status,
                    kind="stream",
                    response=RingBody,
                )
                for method, path, handler, body, status in (
                    ("GET", "/ring", self.ring, None, 200),
                    ("POST", "/devices", self.add, DeviceWish, 201),
                    ("POST", "/devices/{device}/weight", self.weigh, WeightWish, 200),
                    ("POST", "/devices/{device}/forget", self.forget, None, 200),
                    ("POST", "/rebalance", self.rebalance, None, 200),
                    ("POST", "/audit", self.audit, None, 200),
                )
            ],
        )

    async def ring(self, call: Call) -> Reply:
        return Reply(200, await self._shown())

    async def _shown(self) -> RingBody:
        rows = await self._devices_now()
        ring = self._seen.ring
        return RingBody(
            replicas=ring.replicas,
            partitions=1 << ring.power,
            devices=[await self._device(row) for row in rows],
            repair=self._repair.figures,
        )

    async def _devices_now(self) -> list[DeviceRow]:
        return await self._devices.read()

    async def _device(self, row: DeviceRow) -> DeviceBody:
        there = await pools.DISK(self._seen.is_there, row.name)
        try:
            total, free = await pools.DISK(self._seen.room, row.name)
        except OSError:
            total, free = 0, 0
        return DeviceBody(
            name=row.name,
            path=str(self._devices.place_of(row)),
            weight=row.weight,
            zone=row.zone,
            region=row.region,
            there=there,
            share=self._seen.ring.share(row.name) if row.weight > 0 else 0.0,
            bytes=total,
            free=free,
        )

    async def add(self, call: Call) -> Reply:
        wish: DeviceWish = call.body
        wanted = Wanted(wish.path, wish.weight, wish.zone, wish.region)

        def work(tx: Tx) -> None:
            self._devices.add(tx, wish.name, wanted)

        await self._devices.changed(work)
        return Reply(201, await self._shown())

    async def weigh(self, call: Call) -> Reply:
        wish: WeightWish = call.body
        name = call.path["device"]
        await self._devices.changed(lambda tx: self._devices.weigh(tx, name, wish.weight))
        return Reply(200, await self._shown())

    async def forget(self, call: Call) -> Reply:
        name = call.path["device"]
        if await pools.DISK(self._seen.holds_any, name):
            raise Conflict("There are objects on it still: wait until it is empty.")
        await self._devices.changed(lambda tx: self._devices.forget(tx, name))
        return Reply(200, await self._shown())

    async def rebalance(self, call: Call) -> Reply:
        await self._repair.replicate()
        return Reply(200, await self._shown())

    async def audit(self, call: Call) -> Reply:
        await self._repair.audit()
        return Reply(200, await self._shown())
