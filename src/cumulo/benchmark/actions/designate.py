"""Steps of DNS."""

from typing import Any

from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]


async def create_zone(run: Run) -> Found:
    with run.action("designate.create_zone"):
        name = f"{run.plain_name()}.name."
        body = {"name": name, "type": "PRIMARY", "email": "root@random.name"}
        made: Found = await run.cloud.post("dns", "/zones", body)
        return made


async def list_zones(run: Run) -> list[Found]:
    with run.action("designate.list_zones"):
        found: list[Found] = (await run.cloud.get("dns", "/zones"))["zones"]
        return found


async def delete_zone(run: Run, id: str) -> None:
    with run.action("designate.delete_zone"):
        await run.cloud.delete("dns", f"/zones/{id}")


async def create_recordset(run: Run, zone: Found) -> Found:
    with run.action("designate.create_recordset"):
        name = f"{run.plain_name()}.{zone['name']}"
        body = {"name": name, "type": "A", "records": ["10.0.0.1"]}
        made: Found = await run.cloud.post("dns", f"/zones/{zone['id']}/recordsets", body)
        return made


async def list_recordsets(run: Run, zone_id: str) -> None:
    with run.action("designate.list_recordsets"):
        await run.cloud.get("dns", f"/zones/{zone_id}/recordsets")


async def delete_recordset(run: Run, zone_id: str, id: str) -> None:
    with run.action("designate.delete_recordset"):
        await run.cloud.delete("dns", f"/zones/{zone_id}/recordsets/{id}")
