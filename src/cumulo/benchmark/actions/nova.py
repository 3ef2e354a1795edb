"""Steps of compute: servers. What stands beside them is in `nova_beside`."""

import base64
from collections.abc import Mapping
from typing import Any

from cumulo.benchmark.actions import neutron, nova_admin, waiting
from cumulo.benchmark.engine.run import CheckFailed, Run

Found = dict[str, Any]

# Tags and descriptions have each their version.
DESCRIBED = "2.19"

# novaclient's words: what they are in the body, and since which microversion.
_WORDS: Mapping[str, tuple[str, str]] = {
    "meta": ("metadata", ""),
    "metadata": ("metadata", ""),
    "userdata": ("user_data", ""),
    "user_data": ("user_data", ""),
    "files": ("personality", ""),
    "admin_pass": ("adminPass", ""),
    "disk_config": ("OS-DCF:diskConfig", ""),
    "access_ip_v4": ("accessIPv4", ""),
    "access_ip_v6": ("accessIPv6", ""),
    "availability_zone": ("availability_zone", ""),
    "block_device_mapping_v2": ("block_device_mapping_v2", ""),
    "config_drive": ("config_drive", ""),
    "key_name": ("key_name", ""),
    "min_count": ("min_count", ""),
    "max_count": ("max_count", ""),
    "description": ("description", DESCRIBED),
    "tags": ("tags", "2.52"),
    "trusted_image_certificates": ("trusted_image_certificates", "2.63"),
    "host": ("host", "2.74"),
    "hypervisor_hostname": ("hypervisor_hostname", "2.74"),
    "hostname": ("hostname", "2.90"),
}
SERVER_WORDS = frozenset(
    {*_WORDS, "nics", "security_groups", "block_device_mapping", "scheduler_hints"}
    | {"auto_assign_nic"}
)
"""What may be said of a server that is booted."""
NO_FILES = (2, 57)
"""From here on a server takes no files."""


async def boot_server(
    run: Run, image: str | None, flavor: str, *, auto_assign_nic: bool = False, **args: Any
) -> Found:
    """A server, when it is ACTIVE. `args` are novaclient's: nics, key_name, security_groups …"""
    body = await _server(run, image, flavor, auto_assign_nic, args)
    timeout = run.timeout("nova_server_boot_timeout")
    with run.action("nova.boot_server"):
        made = await _create(run, body, args)
        return await server_is(run, made["id"], "ACTIVE", timeout=timeout)


async def boot_servers(
    run: Run, image: str, flavor: str, count: int, *, auto_assign_nic: bool = False, **args: Any
) -> list[Found]:
    """Several servers with one request."""
    body = await _server(run, image, flavor, auto_assign_nic, args)
    timeout = run.timeout("nova_server_boot_timeout")
    with run.action("nova.boot_servers"):
        await _create(run, body | {"min_count": count, "max_count": count}, args)
        listed = await run.cloud.get("compute", "/servers", query={"name": body["name"]})
        found = listed["servers"]
        return [await server_is(run, s["id"], "ACTIVE", timeout=timeout) for s in found]


async def _create(run: Run, body: Found, args: Found) -> Found:
    document: Found = {"server": body}
    if args.get("scheduler_hints"):
        document["os:scheduler_hints"] = args["scheduler_hints"]
    needed = ["2.37"] if body.get("networks") in ("auto", "none") else []
    needed += [since for word, (_, since) in _WORDS.items() if since and args.get(word) is not None]
    version = max(needed, key=_numbers, default="")
    if version and "personality" in body and _numbers(version) >= NO_FILES:
        raise CheckFailed(f"'files' cannot be given together with what needs version {version}")
    made: Found = (await run.cloud.post("compute", "/servers", document, version=version))["server"]
    return made


async def _server(
    run: Run, image: str | None, flavor: str, auto_assign_nic: bool, args: Found
) -> Found:
    body: Found = {"name": run.name(), "flavorRef": flavor, "imageRef": image or ""}
    unknown = sorted(set(args) - SERVER_WORDS)
    if unknown:
        raise CheckFailed(f"Unexpected argument(s) of a server: {', '.join(unknown)}")
    for word, (name, _) in _WORDS.items():
        if args.get(word) is not None:
            body[name] = _as_sent(word, args[word])
    networks = await _networks(run, auto_assign_nic, args.get("nics"))
    if networks is not None:
        body["networks"] = networks
    groups = list(args.get("security_groups") or ())
    own = run.user.data.get("secgroup") if run.user is not None else None
    if own and own["name"] not in groups:
        groups.append(own["name"])
    if groups:
        body["security_groups"] = [{"name": name} for name in groups]
    mapping = args.get("block_device_mapping")
    if mapping:
        body["block_device_mapping_v2"] = [_device(*item) for item in mapping.items()]
    return body


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _as_sent(word: str, value: Any) -> Any:
    if word == "userdata":
        return base64.b64encode(str(value).encode()).decode()
    if word == "files":
        return [
            {"path": path, "contents": base64.b64encode(str(text).encode()).decode()}
            for path, text in dict(value).items()
        ]
    return value


async def _networks(run: Run, auto_assign_nic: bool, nics: Any) -> Any:
    """Where the server's ports go: as the file says, or into the networks that a context made."""
    if isinstance(nics, str):
        return nics
    made = run.tenant.get("networks") or []
    if not nics:
        if not made:
            return None
        chosen = made[run.number % len(made)] if auto_assign_nic else made[0]
        return [{"uuid": chosen["id"]}]
    found = []
    for nic in nics:
        if isinstance(nic, str):
            found.append({"uuid": nic})
            continue
        if nic.get("port-id"):
            found.append({"port": nic["port-id"]})
            continue
        network = nic.get("net-id")
        if not network and nic.get("net-name"):
            network = (await neutron.find_network(run, nic["net-name"]))["id"]
        place = {"uuid": network}
        if nic.get("v4-fixed-ip"):
            place["fixed_ip"] = nic["v4-fixed-ip"]
        found.append(place)
    return found


def _device(device: str, mapping: str) -> Found:
    """`{"vda": "ID:type:size:delete"}`, as the old API had it: type `snap` is a snapshot."""
    id, kind, size, delete = ([*mapping.split(":"), "", "", ""])[:4]
    found: Found = {
        "boot_index": 0 if device == "vda" else -1,
        "uuid": id,
        "source_type": {"snap": "snapshot", "": "volume"}.get(kind, kind),
        "destination_type": "volume",
        "delete_on_termination": delete in ("1", "True", "true"),
    }
    if size:
        found["volume_size"] = int(size)
    return found


async def server_is(run: Run, id: str, *wanted: str, timeout: float, idle: bool = False) -> Found:
    """Wait for a server's status; `idle`: and for no task being in work."""

    async def fetch() -> Any:
        return (await run.cloud.get("compute", f"/servers/{id}"))["server"]

    found: Found = await waiting.status(fetch, wanted, f"server {id}", timeout)
    if idle:
        found = await waiting.until(
            fetch,
            lambda s: s.get("OS-EXT-STS:task_state") is None,
            f"server {id}",
            timeout,
            wanted="idle",
        )
    return found


async def act(run: Run, id: str, action: str, value: Any = None, **more: Any) -> Any:
    return await run.cloud.post("compute", f"/servers/{id}/action", {action: value}, **more)


async def _changed(
    run: Run,
    name: str,
    id: str,
    action: str,
    wanted: str,
    value: Any = None,
    *,
    idle: bool = False,
) -> None:
    """An action and its status, timed together."""
    timeout = run.timeout(f"nova_server_{name.removesuffix('_server')}_timeout")
    with run.action(f"nova.{name}"):
        await act(run, id, action, value)
        await server_is(run, id, wanted, timeout=timeout, idle=idle)


async def soft_reboot(run: Run, id: str) -> None:
    await _changed(run, "soft_reboot_server", id, "reboot", "ACTIVE", {"type": "SOFT"}, idle=True)


async def hard_reboot(run: Run, id: str) -> None:
    await _changed(run, "reboot_server", id, "reboot", "ACTIVE", {"type": "HARD"}, idle=True)


async def rebuild(run: Run, id: str, image: str) -> None:
    await _changed(run, "rebuild_server", id, "rebuild", "ACTIVE", {"imageRef": image}, idle=True)


async def start(run: Run, id: str) -> None:
    await _changed(run, "start_server", id, "os-start", "ACTIVE")


async def stop(run: Run, id: str) -> None:
    await _changed(run, "stop_server", id, "os-stop", "SHUTOFF")


async def rescue(run: Run, id: str) -> None:
    await _changed(run, "rescue_server", id, "rescue", "RESCUE")


async def unrescue(run: Run, id: str) -> None:
    await _changed(run, "unrescue_server", id, "unrescue", "ACTIVE")


async def suspend(run: Run, id: str) -> None:
    await _changed(run, "suspend_server", id, "suspend", "SUSPENDED")


async def resume(run: Run, id: str) -> None:
    await _changed(run, "resume_server", id, "resume", "ACTIVE")


async def pause(run: Run, id: str) -> None:
    await _changed(run, "pause_server", id, "pause", "PAUSED")


async def unpause(run: Run, id: str) -> None:
    await _changed(run, "unpause_server", id, "unpause", "ACTIVE")


async def shelve(run: Run, id: str) -> None:
    await _changed(run, "shelve_server", id, "shelve", "SHELVED_OFFLOADED", idle=True)


async def unshelve(run: Run, id: str) -> None:
    await _changed(run, "unshelve_server", id, "unshelve", "ACTIVE")


async def lock(run: Run, id: str) -> None:
    with run.action("nova.lock_server"):
        await act(run, id, "lock")


async def unlock(run: Run, id: str) -> None:
    with run.action("nova.unlock_server"):
        await act(run, id, "unlock")


async def resize(run: Run, id: str, flavor: str) -> None:
    await _changed(run, "resize", id, "resize", "VERIFY_RESIZE", {"flavorRef": flavor})


async def confirm_resize(run: Run, id: str, status: str = "ACTIVE") -> None:
    await _changed(run, "resize_confirm", id, "confirmResize", status)


async def revert_resize(run: Run, id: str, status: str = "ACTIVE") -> None:
    await _changed(run, "resize_revert", id, "revertResize", status)


async def delete_server(run: Run, id: str, *, force: bool = False) -> None:
    with run.action(f"nova.{'force_' if force else ''}delete_server"):
        await _delete(run, id, force)
        await _deleted(run, id)


async def delete_servers(run: Run, ids: list[str], *, force: bool = False) -> None:
    with run.action(f"nova.{'force_' if force else ''}delete_servers"):
        for id in ids:
            await _delete(run, id, force)
        for id in ids:
            await _deleted(run, id)


async def _delete(run: Run, id: str, force: bool) -> None:
    if force:
        await act(run, id, "forceDelete")
    else:
        await run.cloud.delete("compute", f"/servers/{id}")


async def _deleted(run: Run, id: str) -> None:
    async def fetch() -> Any:
        return (await run.cloud.get("compute", f"/servers/{id}"))["server"]

    timeout = run.timeout("nova_server_delete_timeout")
    await waiting.gone(fetch, f"server {id}", timeout, failed=("ERROR",))


async def list_servers(run: Run, detailed: bool = True) -> list[Found]:
    with run.action("nova.list_servers"):
        path = "/servers/detail" if detailed else "/servers"
        return await run.cloud.pages("compute", path, "servers")


async def show_server(run: Run, id: str) -> Found:
    with run.action("nova.show_server"):
        found: Found = (await run.cloud.get("compute", f"/servers/{id}"))["server"]
        return found


async def update_server(run: Run, id: str, description: str | None = None) -> None:
    with run.action("nova.update_server"):
        body = {"name": run.name()}
        if description:
            body["description"] = description
        version = DESCRIBED if description else ""
        await run.cloud.put("compute", f"/servers/{id}", {"server": body}, version=version)


async def console_output(run: Run, id: str, length: int | None = None) -> None:
    with run.action("nova.get_console_output_server"):
        await act(run, id, "os-getConsoleOutput", {"length": length} if length else {})


async def console_url(run: Run, id: str, kind: str) -> None:
    with run.action("nova.get_console_url_server"):
        protocol = {"novnc": "vnc", "xvpvnc": "vnc", "spice-html5": "spice", "rdp-html5": "rdp"}
        body = {"protocol": protocol.get(kind, "mks" if kind == "webmks" else kind), "type": kind}
        path = f"/servers/{id}/remote-consoles"
        await run.cloud.post("compute", path, {"remote_console": body}, version="2.8")


async def snapshot_server(run: Run, server: Found) -> str:
    """The id of the image, when it is active."""
    id = server["id"]
    with run.action("nova.snapshot_server"):
        made = await act(run, id, "createImage", {"name": run.name()}, version="2.45")
        image_id: str = made["image_id"]

        async def image() -> Any:
            return await run.cloud.get("image", f"/images/{image_id}")

        timeout = run.timeout("nova_server_image_create_timeout")
        with run.action("glance.wait_for_image"):
            what = f"image {image_id}"
            await waiting.status(image, ("active",), what, timeout, failed=("killed", "deleted"))
        with run.action("nova.wait_for_server"):
            still = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
            await server_is(run, id, *still, timeout=timeout, idle=True)
        return image_id


async def attach_volume(run: Run, id: str, volume_id: str, device: str | None = None) -> Found:
    with run.action("nova.attach_volume"):
        body = {"volumeId": volume_id}
        if device:
            body["device"] = device
        path = f"/servers/{id}/os-volume_attachments"
        made = await run.cloud.post("compute", path, {"volumeAttachment": body})
        await _volume_is(run, volume_id, "in-use")
        found: Found = made["volumeAttachment"]
        return found


async def detach_volume(run: Run, id: str, volume_id: str) -> None:
    with run.action("nova.detach_volume"):
        await run.cloud.delete("compute", f"/servers/{id}/os-volume_attachments/{volume_id}")
        await _volume_is(run, volume_id, "available")


async def _volume_is(run: Run, id: str, wanted: str) -> None:
    async def fetch() -> Any:
        return (await run.cloud.get("volume", f"/volumes/{id}"))["volume"]

    failed = ("error", "error_attaching", "error_detaching")
    timeout = run.timeout("nova_detach_volume_timeout")
    await waiting.status(fetch, (wanted,), f"volume {id}", timeout, failed=failed)


async def list_attachments(run: Run, id: str) -> list[Found]:
    with run.action("nova.list_attachments"):
        found: list[Found] = (
            await run.cloud.get("compute", f"/servers/{id}/os-volume_attachments")
        )["volumeAttachments"]
        return found


async def attach_interface(run: Run, id: str, *, net_id: str | None = None) -> None:
    with run.action("nova.attach_interface"):
        body = {"interfaceAttachment": {"net_id": net_id}}
        await run.cloud.post("compute", f"/servers/{id}/os-interface", body)


async def list_interfaces(run: Run, id: str) -> None:
    with run.action("nova.list_interfaces"):
        await run.cloud.get("compute", f"/servers/{id}/os-interface")


async def associate_floating_ip(run: Run, id: str, floating_ip: Found) -> None:
    with run.action("nova.associate_floating_ip"):
        ports = await neutron.list_ports(run, device_id=id)
        if not ports:
            raise CheckFailed(f"server {id} has no port for a floating IP")
        await neutron.associate_floating_ip(run, floating_ip["id"], ports[0]["id"])
        await _address(run, id, floating_ip["floating_ip_address"], there=True)


async def dissociate_floating_ip(run: Run, id: str, floating_ip: Found) -> None:
    with run.action("nova.dissociate_floating_ip"):
        await neutron.dissociate_floating_ip(run, floating_ip["id"])
        await _address(run, id, floating_ip["floating_ip_address"], there=False)


async def _address(run: Run, id: str, address: str, *, there: bool) -> None:
    """Wait until the server's addresses show it, or no longer do."""

    async def fetch() -> Any:
        return (await run.cloud.get("compute", f"/servers/{id}"))["server"]["addresses"]

    def done(found: Any) -> bool:
        return there == any(a["addr"] == address for each in found.values() for a in each)

    await waiting.until(fetch, done, f"server {id}", 60.0, wanted="reachable by its address")


# moves between hosts


async def live_migrate(
    run: Run, id: str, block_migration: bool = False, disk_over_commit: bool = False
) -> None:
    with run.action("nova.live_migrate"):
        before = await _host(run, id, "Live Migration")
        body = {
            "host": None,
            "block_migration": block_migration,
            "disk_over_commit": disk_over_commit,
        }
        await run.admin.post("compute", f"/servers/{id}/action", {"os-migrateLive": body})

        async def fetch() -> Any:
            return (await run.admin.get("compute", f"/servers/{id}"))["server"]

        def done(server: Any) -> bool:
            if server["status"] == "ERROR":
                raise waiting.GetResourceErrorStatus(f"Resource server {id} has ERROR status.")
            return bool(server["status"] == "ACTIVE" and server["OS-EXT-SRV-ATTR:host"] != before)

        timeout = run.timeout("nova_server_live_migrate_timeout")
        await waiting.until(fetch, done, f"server {id}", timeout, wanted="ACTIVE elsewhere")


async def migrate(run: Run, id: str) -> None:
    with run.action("nova.migrate"):
        before = await _host(run, id, "Migration")
        await run.admin.post("compute", f"/servers/{id}/action", {"migrate": None})
        timeout = run.timeout("nova_server_migrate_timeout")
        await server_is(run, id, "VERIFY_RESIZE", timeout=timeout)
        server = (await run.admin.get("compute", f"/servers/{id}"))["server"]
        if server["OS-EXT-SRV-ATTR:host"] == before:
            raise CheckFailed(
                "Migration failed: Migration complete but instance did not change host: " + before
            )


async def _host(run: Run, id: str, what: str) -> str:
    if len(await nova_admin.list_hypervisors(run)) < 2:
        raise CheckFailed(f"Less than 2 compute nodes, skipping {what}")
    server = (await run.admin.get("compute", f"/servers/{id}"))["server"]
    host: str = server["OS-EXT-SRV-ATTR:host"]
    return host
