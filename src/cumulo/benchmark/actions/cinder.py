"""Steps of block storage."""

import random
from typing import Any

from cumulo.benchmark.actions import waiting
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]

MADE = "cinder_volume_create_timeout"
DELETED = "cinder_volume_delete_timeout"
RESTORED = "cinder_backup_restore_timeout"
FAILED = ("ERROR", "ERROR_DELETING", "ERROR_EXTENDING", "ERROR_RESTORING", "ERROR_MANAGING")


def sized(size: Any) -> int:
    """Gigabytes: a number, or `{"min": 1, "max": 5}` for one in between."""
    if isinstance(size, dict):
        return random.randint(int(size["min"]), int(size["max"]))
    return int(size)


async def create_volume(run: Run, size: Any, **args: Any) -> Found:
    with run.action("cinder_v3.create_volume"):
        args.pop("display_name", None)
        body = {k: v for k, v in args.items() if v is not None}
        body |= {"name": run.name(), "size": sized(size)}
        made = (await run.cloud.post("volume", "/volumes", {"volume": body}))["volume"]
        return await volume_is(run, made["id"], "available")


async def volume_is(run: Run, id: str, *wanted: str, timeout: str = MADE) -> Found:
    """Wait for a volume's status."""

    async def fetch() -> Any:
        return (await run.cloud.get("volume", f"/volumes/{id}"))["volume"]

    found: Found = await waiting.status(
        fetch, wanted, f"volume {id}", run.timeout(timeout), failed=FAILED
    )
    return found


async def get_volume(run: Run, id: str) -> Found:
    with run.action("cinder_v3.get_volume"):
        found: Found = (await run.cloud.get("volume", f"/volumes/{id}"))["volume"]
        return found


async def update_volume(run: Run, id: str, **changes: Any) -> None:
    with run.action("cinder_v3.update_volume"):
        await run.cloud.put("volume", f"/volumes/{id}", {"volume": changes})


async def delete_volume(run: Run, id: str) -> None:
    with run.action("cinder_v3.delete_volume"):
        await run.cloud.delete("volume", f"/volumes/{id}")
        await _gone(run.cloud, f"/volumes/{id}", "volume", run.timeout(DELETED))


async def extend_volume(run: Run, id: str, new_size: Any, *, attached: bool = False) -> Found:
    """`attached`: in use, which the API takes since 3.42."""
    with run.action("cinder_v3.extend_volume"):
        body = {"os-extend": {"new_size": sized(new_size)}}
        version = "3.42" if attached else ""
        await run.cloud.post("volume", f"/volumes/{id}/action", body, version=version)
        return await volume_is(run, id, "available", "in-use")


async def list_volumes(
    run: Run, detailed: bool = True, search_opts: Found | None = None, **query: Any
) -> list[Found]:
    with run.action("cinder_v3.list_volumes"):
        path = "/volumes/detail" if detailed else "/volumes"
        query |= search_opts or {}
        found: list[Found] = (await run.cloud.get("volume", path, query=query))["volumes"]
        return found


async def set_metadata(run: Run, id: str, sets: int, set_size: int) -> list[str]:
    with run.action(f"cinder_v3.set_{sets}_metadatas_{set_size}_times"):
        keys: list[str] = []
        for _ in range(sets):
            some = {run.name(): run.name() for _ in range(set_size)}
            await run.cloud.post("volume", f"/volumes/{id}/metadata", {"metadata": some})
            keys += some
        return keys


async def delete_metadata(
    run: Run, id: str, keys: list[str], deletes: int, delete_size: int
) -> None:
    with run.action(f"cinder_v3.delete_{delete_size}_metadatas_{deletes}_times"):
        chosen = random.sample(keys, deletes * delete_size)
        for key in chosen:
            await run.cloud.delete("volume", f"/volumes/{id}/metadata/{key}")


async def set_readonly(run: Run, id: str, read_only: bool) -> None:
    with run.action("cinder_v3.update_readonly_flag"):
        body = {"os-update_readonly_flag": {"readonly": read_only}}
        await run.cloud.post("volume", f"/volumes/{id}/action", body)


async def upload_to_image(
    run: Run, id: str, *, force: bool, container_format: str, disk_format: str
) -> str:
    """The image's id, when it is active and the volume is free again."""
    with run.action("cinder_v3.upload_volume_to_image"):
        body = {
            "os-volume_upload_image": {
                "image_name": run.name(),
                "force": force,
                "container_format": container_format,
                "disk_format": disk_format,
            }
        }
        made = await run.cloud.post("volume", f"/volumes/{id}/action", body)
        image_id: str = made["os-volume_upload_image"]["image_id"]
        await volume_is(run, id, "available", "in-use")

        async def fetch() -> Any:
            return await run.cloud.get("image", f"/images/{image_id}")

        what, timeout = f"image {image_id}", run.timeout(MADE)
        await waiting.status(fetch, ("active",), what, timeout, failed=("killed",))
        return image_id


async def create_snapshot(run: Run, volume_id: str, *, force: bool = False, **args: Any) -> Found:
    with run.action("cinder_v3.create_snapshot"):
        args.pop("display_name", None)
        body = {**args, "name": run.name(), "volume_id": volume_id, "force": force}
        made = (await run.cloud.post("volume", "/snapshots", {"snapshot": body}))["snapshot"]

        async def fetch() -> Any:
            return (await run.cloud.get("volume", f"/snapshots/{made['id']}"))["snapshot"]

        what = f"snapshot {made['id']}"
        found: Found = await waiting.status(fetch, ("available",), what, run.timeout(MADE))
        return found


async def delete_snapshot(run: Run, id: str) -> None:
    with run.action("cinder_v3.delete_snapshot"):
        await run.cloud.delete("volume", f"/snapshots/{id}")
        await _gone(run.cloud, f"/snapshots/{id}", "snapshot", run.timeout(DELETED))


async def list_snapshots(run: Run, detailed: bool = True) -> None:
    with run.action("cinder_v3.list_snapshots"):
        await run.cloud.get("volume", "/snapshots/detail" if detailed else "/snapshots")


async def create_backup(run: Run, volume_id: str, **args: Any) -> Found:
    with run.action("cinder_v3.create_backup"):
        body = {**args, "name": run.name(), "volume_id": volume_id}
        made = (await run.cloud.post("volume", "/backups", {"backup": body}))["backup"]
        return await _backup_is(run, made["id"])


async def _backup_is(run: Run, id: str) -> Found:
    async def fetch() -> Any:
        return (await run.cloud.get("volume", f"/backups/{id}"))["backup"]

    timeout = run.timeout(RESTORED)
    found: Found = await waiting.status(fetch, ("available",), f"backup {id}", timeout)
    return found


async def restore_backup(run: Run, id: str) -> None:
    with run.action("cinder_v3.restore_backup"):
        made = await run.cloud.post(
            "volume", f"/backups/{id}/restore", {"restore": {"name": run.name()}}
        )
        await _backup_is(run, id)
        await volume_is(run, made["restore"]["volume_id"], "available", timeout=RESTORED)


async def delete_backup(run: Run, id: str) -> None:
    with run.action("cinder_v3.delete_backup"):
        await run.cloud.delete("volume", f"/backups/{id}")
        await _gone(run.cloud, f"/backups/{id}", "backup", run.timeout(DELETED))


async def list_backups(run: Run, detailed: bool = True) -> None:
    with run.action("cinder_v3.list_backups"):
        await run.cloud.get("volume", "/backups/detail" if detailed else "/backups")


async def create_transfer(run: Run, volume_id: str) -> Found:
    with run.action("cinder_v3.transfer_create"):
        body = {"transfer": {"volume_id": volume_id, "name": run.name()}}
        made: Found = (await run.cloud.post("volume", "/os-volume-transfer", body))["transfer"]
        return made


async def accept_transfer(run: Run, id: str, auth_key: str) -> None:
    with run.action("cinder_v3.transfer_accept"):
        body = {"accept": {"auth_key": auth_key}}
        await run.cloud.post("volume", f"/os-volume-transfer/{id}/accept", body)


async def list_transfers(run: Run, detailed: bool = True, search_opts: Found | None = None) -> None:
    with run.action("cinder_v3.list_transfers"):
        path = "/os-volume-transfer" + ("/detail" if detailed else "")
        await run.cloud.get("volume", path, query=search_opts)


# types, encryption, QoS: as administrator


async def list_types(
    run: Run, search_opts: Found | None = None, is_public: bool | None = None
) -> list[Found]:
    with run.action("cinder_v3.list_types"):
        query = {**(search_opts or {}), "is_public": is_public}
        cloud = run.cloud if run.user is not None else run.admin
        found: list[Found] = (await cloud.get("volume", "/types", query=query))["volume_types"]
        return found


async def create_type(run: Run, description: str | None = None, is_public: bool = True) -> Found:
    with run.action("cinder_v3.create_volume_type"):
        body = {"name": run.name(), "os-volume-type-access:is_public": is_public}
        if description is not None:
            body["description"] = description
        made = await run.admin.post("volume", "/types", {"volume_type": body})
        found: Found = made["volume_type"]
        return found


async def get_type(run: Run, id: str) -> None:
    with run.action("cinder_v3.get_volume_type"):
        await run.admin.get("volume", f"/types/{id}")


async def update_type(run: Run, id: str, **changes: Any) -> None:
    with run.action("cinder_v3.update_volume_type"):
        body = {k: v for k, v in changes.items() if v is not None}
        await run.admin.put("volume", f"/types/{id}", {"volume_type": body})


async def delete_type(run: Run, id: str) -> None:
    with run.action("cinder_v3.delete_volume_type"):
        await run.admin.delete("volume", f"/types/{id}")
        await _gone(run.admin, f"/types/{id}", "volume_type", run.timeout(DELETED))


async def set_type_keys(run: Run, id: str, keys: Found) -> None:
    with run.action("cinder_v3.set_volume_type_keys"):
        await run.admin.post("volume", f"/types/{id}/extra_specs", {"extra_specs": keys})


async def add_type_access(run: Run, id: str, project_id: str) -> None:
    with run.action("cinder_v3.add_type_access"):
        body = {"addProjectAccess": {"project": project_id}}
        await run.admin.post("volume", f"/types/{id}/action", body)


async def list_type_access(run: Run, id: str) -> None:
    with run.action("cinder_v3.list_type_access"):
        await run.admin.get("volume", f"/types/{id}/os-volume-type-access")


async def create_encryption(run: Run, type_id: str, specs: Found) -> Found:
    with run.action("cinder_v3.create_encryption_type"):
        body = {"encryption": {k: v for k, v in specs.items() if v is not None}}
        made: Found = (await run.admin.post("volume", f"/types/{type_id}/encryption", body))[
            "encryption"
        ]
        return made


async def get_encryption(run: Run, type_id: str) -> Found:
    with run.action("cinder_v3.get_encryption_type"):
        found: Found = await run.admin.get("volume", f"/types/{type_id}/encryption")
        return found


async def update_encryption(run: Run, type_id: str, specs: Found) -> None:
    with run.action("cinder_v3.update_encryption_type"):
        current = await run.admin.get("volume", f"/types/{type_id}/encryption")
        body = {"encryption": {k: v for k, v in specs.items() if v is not None}}
        path = f"/types/{type_id}/encryption/{current['encryption_id']}"
        await run.admin.put("volume", path, body)


async def delete_encryption(run: Run, type_id: str) -> None:
    with run.action("cinder_v3.delete_encryption_type"):
        current = await run.admin.get("volume", f"/types/{type_id}/encryption")
        path = f"/types/{type_id}/encryption/{current['encryption_id']}"
        await run.admin.delete("volume", path)


async def list_encryptions(run: Run) -> None:
    """Of all types, one after the other: there is no list of them."""
    with run.action("cinder_v3.list_encryption_type"):
        for kind in (await run.admin.get("volume", "/types"))["volume_types"]:
            await run.admin.get("volume", f"/types/{kind['id']}/encryption")


async def create_qos(run: Run, specs: Found) -> Found:
    with run.action("cinder_v3.create_qos"):
        body = {"qos_specs": {"name": run.name(), **_words(specs)}}
        made: Found = (await run.admin.post("volume", "/qos-specs", body))["qos_specs"]
        return made


async def get_qos(run: Run, id: str) -> None:
    with run.action("cinder_v3.get_qos"):
        await run.admin.get("volume", f"/qos-specs/{id}")


async def list_qos(run: Run) -> list[Found]:
    with run.action("cinder_v3.list_qos"):
        found: list[Found] = (await run.admin.get("volume", "/qos-specs"))["qos_specs"]
        return found


async def set_qos(run: Run, id: str, specs: Found) -> None:
    with run.action("cinder_v3.set_qos"):
        await run.admin.put("volume", f"/qos-specs/{id}", {"qos_specs": _words(specs)})


async def associate_qos(run: Run, id: str, type_id: str) -> None:
    with run.action("cinder_v3.qos_associate_type"):
        path = f"/qos-specs/{id}/associate"
        await run.admin.get("volume", path, query={"vol_type_id": type_id})


async def disassociate_qos(run: Run, id: str, type_id: str) -> None:
    with run.action("cinder_v3.qos_disassociate_type"):
        path = f"/qos-specs/{id}/disassociate"
        await run.admin.get("volume", path, query={"vol_type_id": type_id})


def _words(specs: Found) -> Found:
    """Specs are texts on the wire."""
    return {k: str(v) for k, v in specs.items() if v is not None}


async def _gone(cloud: Session, path: str, noun: str, timeout: float) -> None:
    async def fetch() -> Any:
        return (await cloud.get("volume", path))[noun]

    await waiting.gone(fetch, path.removeprefix("/"), timeout, failed=FAILED)
