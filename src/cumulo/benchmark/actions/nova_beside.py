"""Steps of compute: key pairs and server groups."""

from typing import Any

from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]


async def create_keypair(run: Run, **args: Any) -> str:
    with run.action("nova.create_keypair"):
        # novaclient calls the type `key_type`.
        named = {"type" if k == "key_type" else k: v for k, v in args.items()}
        body = {"name": run.name(), **named}
        version = "2.2" if "type" in body else ""
        made = await run.cloud.post("compute", "/os-keypairs", {"keypair": body}, version=version)
        name: str = made["keypair"]["name"]
        return name


async def get_keypair(run: Run, name: str) -> None:
    with run.action("nova.get_keypair"):
        await run.cloud.get("compute", f"/os-keypairs/{name}")


async def list_keypairs(run: Run) -> list[str]:
    with run.action("nova.list_keypairs"):
        found = (await run.cloud.get("compute", "/os-keypairs"))["keypairs"]
        return [item["keypair"]["name"] for item in found]


async def delete_keypair(run: Run, name: str) -> None:
    with run.action("nova.delete_keypair"):
        await run.cloud.delete("compute", f"/os-keypairs/{name}")


async def create_server_group(run: Run, **args: Any) -> Found:
    with run.action("nova.create_server_group"):
        body = {"name": run.name(), **{k: v for k, v in args.items() if v is not None}}
        version = "2.64" if "policy" in body else ""
        made = await run.cloud.post(
            "compute", "/os-server-groups", {"server_group": body}, version=version
        )
        found: Found = made["server_group"]
        return found


async def get_server_group(run: Run, id: str) -> Found:
    with run.action("nova.get_server_group"):
        found: Found = (await run.cloud.get("compute", f"/os-server-groups/{id}"))["server_group"]
        return found


async def list_server_groups(run: Run, all_projects: bool = False) -> list[Found]:
    with run.action("nova.list_server_groups"):
        cloud = run.admin if all_projects else run.cloud
        query = {"all_projects": "True"} if all_projects else None
        found: list[Found] = (await cloud.get("compute", "/os-server-groups", query=query))[
            "server_groups"
        ]
        return found


async def delete_server_group(run: Run, id: str) -> None:
    with run.action("nova.delete_server_group"):
        await run.cloud.delete("compute", f"/os-server-groups/{id}")
