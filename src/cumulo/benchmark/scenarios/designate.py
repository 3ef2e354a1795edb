"""Scenarios of DNS."""

import random
from typing import Any

from cumulo.benchmark.actions import designate
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

_OWN: Any = {"services": ("designate",), "cleanup": ("designate",)}
_ZONES: Any = {
    **_OWN,
    "contexts": ("zones",),
    "numbers": {"recordsets_per_zone": number(1, 10_000, whole=True)},
}


@scenario("DesignateBasic.create_and_list_zones", **_OWN)
async def create_and_list_zones(run: Run) -> None:
    """Create a zone and find it in the list of all"""
    zone = await designate.create_zone(run)
    listed = await designate.list_zones(run)
    run.check(any(z["id"] == zone["id"] for z in listed), "the new zone is not in the list")


@scenario("DesignateBasic.list_zones", services=("designate",))
async def list_zones(run: Run) -> None:
    """List zones"""
    await designate.list_zones(run)


@scenario("DesignateBasic.create_and_delete_zone", **_OWN)
async def create_and_delete_zone(run: Run) -> None:
    """Create a zone and delete it"""
    zone = await designate.create_zone(run)
    await designate.delete_zone(run, zone["id"])


@scenario("DesignateBasic.list_recordsets", services=("designate",))
async def list_recordsets(run: Run, zone_id: str) -> None:
    """List the recordsets of a zone"""
    await designate.list_recordsets(run, zone_id)


@scenario("DesignateBasic.create_and_delete_recordsets", **_ZONES)
async def create_and_delete_recordsets(run: Run, recordsets_per_zone: int = 5) -> None:
    """Create recordsets in one of the context's zones and delete them"""
    zone = random.choice(run.tenant["zones"])
    made = [await designate.create_recordset(run, zone) for _ in range(recordsets_per_zone)]
    for recordset in made:
        await designate.delete_recordset(run, zone["id"], recordset["id"])


@scenario("DesignateBasic.create_and_list_recordsets", **_ZONES)
async def create_and_list_recordsets(run: Run, recordsets_per_zone: int = 5) -> None:
    """Create recordsets in one of the context's zones and list all of it"""
    zone = random.choice(run.tenant["zones"])
    for _ in range(recordsets_per_zone):
        await designate.create_recordset(run, zone)
    await designate.list_recordsets(run, zone["id"])
