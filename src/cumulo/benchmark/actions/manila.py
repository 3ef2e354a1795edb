"""Steps of shared file systems."""

import secrets
from typing import Any

from cumulo.benchmark.actions import waiting
from cumulo.benchmark.client.session import NotFound
from cumulo.benchmark.engine.run import CheckFailed, Run

Found = dict[str, Any]

VERSION = "2.7"


async def create_share(run: Run, proto: str, size: int = 1, **args: Any) -> Found:
    with run.action("manila.create_share"):
        body = {k: v for k, v in args.items() if v is not None}
        network = body.pop("share_network", None)
        made = run.tenant.get("share_networks") or []
        if network is None and made:
            network = made[run.number % len(made)]["id"]
        if network is not None:
            body["share_network_id"] = network
        body |= {"name": run.name(), "share_proto": proto, "size": size}
        share = (await run.cloud.post("share", "/shares", {"share": body}, version=VERSION))[
            "share"
        ]
        return await share_is(run, share["id"])


async def export_location(run: Run, id: str) -> str:
    """Where it can be mounted."""
    with run.action("manila.get_export_locations"):
        path = f"/shares/{id}/export_locations"
        found = (await run.cloud.get("share", path, version="2.9"))["export_locations"]
    if not found:
        raise CheckFailed(f"share {id} has no export location")
    chosen: str = next((e for e in found if e.get("preferred")), found[0])["path"]
    return chosen


async def share_is(run: Run, id: str) -> Found:
    async def fetch() -> Any:
        return (await run.cloud.get("share", f"/shares/{id}", version=VERSION))["share"]

    failed = ("error", "extending_error", "shrinking_error", "shrinking_possible_data_loss_error")
    what = f"share {id}"
    timeout = run.timeout("manila_share_create_timeout")
    found: Found = await waiting.status(fetch, ("available",), what, timeout, failed=failed)
    return found


async def delete_share(run: Run, id: str) -> None:
    with run.action("manila.delete_share"):
        await run.cloud.delete("share", f"/shares/{id}", version=VERSION)
        await _gone(run, f"/shares/{id}", "share")


async def _gone(run: Run, path: str, noun: str) -> None:
    async def fetch() -> Any:
        return (await run.cloud.get("share", path, version=VERSION))[noun]

    timeout = run.timeout("manila_share_delete_timeout")
    await waiting.gone(fetch, path.removeprefix("/"), timeout, failed=("error_deleting",))


async def list_shares(run: Run, detailed: bool = True, search_opts: Found | None = None) -> None:
    with run.action("manila.list_shares"):
        path = "/shares/detail" if detailed else "/shares"
        await run.cloud.get("share", path, query=search_opts, version=VERSION)


async def extend_share(run: Run, id: str, size: int) -> None:
    with run.action("manila.extend_share"):
        body = {"extend": {"new_size": size}}
        await run.cloud.post("share", f"/shares/{id}/action", body, version=VERSION)
        await share_is(run, id)


async def shrink_share(run: Run, id: str, size: int) -> None:
    with run.action("manila.shrink_share"):
        body = {"shrink": {"new_size": size}}
        await run.cloud.post("share", f"/shares/{id}/action", body, version=VERSION)
        await share_is(run, id)


async def allow_access(run: Run, id: str, kind: str, to: str, level: str) -> str:
    """The access's id, when it is active."""
    with run.action("manila.access_allow_share"):
        rule = {"access_type": kind, "access_to": to, "access_level": level}
        path = f"/shares/{id}/action"
        made = await run.cloud.post("share", path, {"allow_access": rule}, version=VERSION)
        access: str = made["access"]["id"]

        async def fetch() -> Any:
            return await _access(run, id, access)

        timeout = run.timeout("manila_access_create_timeout")
        await waiting.status(fetch, ("active",), f"access {access}", timeout, field="state")
        return access


async def _access(run: Run, id: str, access: str) -> Found:
    path = f"/shares/{id}/action"
    body: Found = {"access_list": None}
    listed = (await run.cloud.post("share", path, body, version=VERSION))["access_list"]
    for rule in listed:
        if rule["id"] == access:
            found: Found = rule
            return found
    raise NotFound(404, "POST", path, f"there is no access {access}", "")


async def deny_access(run: Run, id: str, access: str) -> None:
    with run.action("manila.access_deny_share"):
        body = {"deny_access": {"access_id": access}}
        await run.cloud.post("share", f"/shares/{id}/action", body, version=VERSION)

        async def fetch() -> Any:
            return await _access(run, id, access)

        timeout = run.timeout("manila_access_delete_timeout")
        await waiting.gone(fetch, f"access {access}", timeout)


async def create_network(run: Run, **args: Any) -> Found:
    with run.action("manila.create_share_network"):
        body = {"name": run.name(), **{k: v for k, v in args.items() if v is not None}}
        made = await run.cloud.post(
            "share", "/share-networks", {"share_network": body}, version=VERSION
        )
        found: Found = made["share_network"]
        return found


async def delete_network(run: Run, id: str) -> None:
    with run.action("manila.delete_share_network"):
        await run.cloud.delete("share", f"/share-networks/{id}", version=VERSION)
        await _gone(run, f"/share-networks/{id}", "share_network")


async def list_networks(run: Run, detailed: bool, search_opts: Found | None) -> None:
    with run.action("manila.list_share_networks"):
        path = "/share-networks/detail" if detailed else "/share-networks"
        await run.cloud.get("share", path, query=search_opts, version=VERSION)


async def list_servers(run: Run, search_opts: Found | None) -> None:
    with run.action("manila.list_share_servers"):
        await run.admin.get("share", "/share-servers", query=search_opts, version=VERSION)


async def create_security_service(run: Run, kind: str, **args: Any) -> Found:
    with run.action("manila.create_security_service"):
        wanted = {k: v for k, v in args.items() if v is not None}
        body = {"security_service": {"name": run.name(), "type": kind, **wanted}}
        made = await run.cloud.post("share", "/security-services", body, version=VERSION)
        found: Found = made["security_service"]
        return found


async def delete_security_service(run: Run, id: str) -> None:
    with run.action("manila.delete_security_service"):
        await run.cloud.delete("share", f"/security-services/{id}", version=VERSION)
        await _gone(run, f"/security-services/{id}", "security_service")


async def add_security_service(run: Run, network: str, service: str) -> None:
    with run.action("manila.add_security_service_to_share_network"):
        body = {"add_security_service": {"security_service_id": service}}
        path = f"/share-networks/{network}/action"
        await run.cloud.post("share", path, body, version=VERSION)


async def set_metadata(run: Run, id: str, sets: int, size: int, key: int, value: int) -> list[str]:
    with run.action("manila.set_metadata"):
        keys: list[str] = []
        for _ in range(sets):
            some = {_word(key): _word(value) for _ in range(size)}
            body = {"metadata": some}
            await run.cloud.post("share", f"/shares/{id}/metadata", body, version=VERSION)
            keys += some
        return keys


async def delete_metadata(run: Run, id: str, keys: list[str]) -> None:
    with run.action("manila.delete_metadata"):
        for name in keys:
            await run.cloud.delete("share", f"/shares/{id}/metadata/{name}", version=VERSION)


def _word(length: int) -> str:
    return secrets.token_hex(length)[:length]
