"""Volumes and their snapshots on compute's wire, up to API 2.35."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.compute.api.common import Metadata, Text
from cumulo.compute.api.elsewhere import Elsewhere, as_bad_request, old
from cumulo.core.faults import BadRequest, Fault, NotFound
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import limit_of, offset_of
from cumulo.core.wire.coercions import BoolLike, IntLike, as_bool, as_int
from cumulo.core.wire.shapes import StrictBody

RULE = "os-volumes"


class NewVolumeBody(StrictBody, kw_only=True):
    size: IntLike
    display_name: Text | None = None
    display_description: str | None = None
    volume_type: str | None = None
    metadata: Metadata | None = None
    snapshot_id: str | None = None
    availability_zone: str | None = None


class CreateVolume(StrictBody):
    volume: NewVolumeBody


class NewSnapshotBody(StrictBody, kw_only=True):
    volume_id: Annotated[str, Meta(max_length=255)]
    display_name: Text | None = None
    display_description: str | None = None
    force: BoolLike = False


class CreateSnapshot(StrictBody):
    snapshot: NewSnapshotBody


class VolumeProxyApi:
    def __init__(self, caller: Caller) -> None:
        self._volumes = Elsewhere(caller, "/volume/v3")

    def operations(self) -> list[Operation]:
        made: list[Operation] = []
        for noun, create, body in (
            ("volumes", self.create_volume, CreateVolume),
            ("snapshots", self.create_snapshot, CreateSnapshot),
        ):
            # The two are named alike in both APIs, and in their bodies.
            all_ = "/os-volumes" if noun == "volumes" else "/os-snapshots"
            rule = RULE if noun == "volumes" else f"{RULE}:snapshots"
            one, drop = all_ + "/{id}", getattr(self, f"delete_{noun[:-1]}")
            made += [
                old("GET", all_, getattr(self, noun), f"{rule}:list"),
                old("GET", all_ + "/detail", getattr(self, noun), f"{rule}:detail"),
                old("POST", all_, create, f"{rule}:create", body=body),
                old("GET", one, getattr(self, noun[:-1]), f"{rule}:show"),
                old("DELETE", one, drop, f"{rule}:delete", status=202),
            ]
        return made

    # --- volumes ------------------------------------------------------------------------------

    async def volumes(self, call: Call) -> Any:
        found = await self._volumes.all(call, "/volumes/detail", "volumes")
        return {"volumes": [_volume(each) for each in _cut(call, found)]}

    async def volume(self, call: Call) -> Any:
        return {"volume": _volume(await self._one(call, "volume"))}

    async def create_volume(self, call: Call) -> Any:
        wish: NewVolumeBody = call.body.volume
        asked = {
            "size": as_int(wish.size, "size", minimum=1),
            "name": wish.display_name,
            "description": wish.display_description,
            "volume_type": wish.volume_type,
            "metadata": wish.metadata,
            "snapshot_id": wish.snapshot_id,
            "availability_zone": wish.availability_zone,
        }
        made = await self._make(call, "volume", asked)
        return {"volume": _volume(made)}

    async def delete_volume(self, call: Call) -> None:
        await self._drop(call, "volume")

    # --- snapshots ----------------------------------------------------------------------------

    async def snapshots(self, call: Call) -> Any:
        found = await self._volumes.all(call, "/snapshots/detail", "snapshots")
        return {"snapshots": [_snapshot(each) for each in _cut(call, found)]}

    async def snapshot(self, call: Call) -> Any:
        return {"snapshot": _snapshot(await self._one(call, "snapshot"))}

    async def create_snapshot(self, call: Call) -> Any:
        wish: NewSnapshotBody = call.body.snapshot
        asked = {
            "volume_id": wish.volume_id,
            "name": wish.display_name,
            "description": wish.display_description,
            "force": as_bool(wish.force, "force"),
        }
        return {"snapshot": _snapshot(await self._make(call, "snapshot", asked))}

    async def delete_snapshot(self, call: Call) -> None:
        await self._drop(call, "snapshot")

    # --- both ---------------------------------------------------------------------------------

    async def _one(self, call: Call, noun: str) -> dict[str, Any]:
        id = call.path["id"]
        try:
            found = await self._volumes.ask(call, "GET", f"/{noun}s/{id}")
        except (NotFound, BadRequest):
            raise NotFound(f"{noun.capitalize()} {id:.80} could not be found.") from None
        item: dict[str, Any] = found[noun]
        return item

    async def _make(self, call: Call, noun: str, asked: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in asked.items() if value is not None}
        try:
            made = await self._volumes.ask(call, "POST", f"/{noun}s", {noun: given})
        except NotFound:
            raise
        except Fault as fault:
            raise as_bad_request(fault) from None
        return await self._fetched(call, noun, made[noun]["id"])

    async def _fetched(self, call: Call, noun: str, id: str) -> dict[str, Any]:
        item: dict[str, Any] = (await self._volumes.ask(call, "GET", f"/{noun}s/{id}"))[noun]
        return item

    async def _drop(self, call: Call, noun: str) -> None:
        found = await self._one(call, noun)
        try:
            await self._volumes.ask(call, "DELETE", f"/{noun}s/{found['id']}")
        except NotFound:
            raise
        except Fault as fault:
            raise as_bad_request(fault) from None


def _cut(call: Call, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    offset, limit = offset_of(call), limit_of(call)
    return found[offset:] if limit is None else found[offset : offset + limit]


def _volume(volume: dict[str, Any]) -> dict[str, Any]:
    attachments = [
        {
            "id": each["volume_id"],
            "device": each["device"],
            "volumeId": each["volume_id"],
            "serverId": each["server_id"],
        }
        for each in volume["attachments"]
        if each.get("server_id") and each.get("device")
    ]
    return {
        "id": volume["id"],
        "status": volume["status"],
        "size": volume["size"],
        "availabilityZone": volume["availability_zone"],
        "createdAt": volume["created_at"],
        "displayName": volume["name"],
        "displayDescription": volume["description"],
        "volumeType": volume["volume_type"],
        "snapshotId": volume["snapshot_id"],
        "metadata": volume["metadata"],
        "attachments": attachments or [{}],
    }


def _snapshot(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": snapshot["id"],
        "volumeId": snapshot["volume_id"],
        "status": snapshot["status"],
        "size": snapshot["size"],
        "createdAt": snapshot["created_at"],
        "displayName": snapshot["name"],
        "displayDescription": snapshot["description"],
    }
