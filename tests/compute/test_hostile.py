"""A hostile tenant: the ids of others in every place of every request, and what no client sends in
each field of a right one. Whatever it is, the answer is a refusal in the API's own shape, and
nothing is left of it."""

import asyncio
import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.cloud import TestCloud, running_cloud
from tests.support.projects import second_project

API, NETWORK, VOLUME = "/compute/v2.1", "/network/v2.0", "/volume/v3"
VERSIONS = ("2.35", "2.104")
KEPT = (
    *("servers", "server_actions", "server_files", "compute_migrations", "server_groups"),
    *("key_pairs", "placement_allocations", "placement_consumers", "network_ports"),
    *("network_allocations", "network_port_groups", "network_floatingips", "volumes"),
    *("volume_attachments", "volume_snapshots", "images", "jobs", "network_security_groups"),
    "network_security_group_rules",
)
"""Tables that a refused request leaves as they are."""
JUNK: tuple[Any, ...] = (
    *(None, "", "\x00", "\ud83d", "é" * 300, "a" * 70_000, "5" * 5000, "../../etc/passwd"),
    *(-1, 2**63, 10**400, 1.5, True, [], ["x"] * 300, [[]], {}, {"x": None}, "NaN"),
    *("00000000-0000-4000-8000-000000000000", "😀\u202e"),
)


class Things:
    """What a tenant has, by the word that stands for it in `REQUESTS`."""

    def __init__(self, cloud: TestCloud, who: str) -> None:
        self._cloud, self._who = cloud, who
        self.ids: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = await self._cloud.call(method, path, as_=self._who, json_=body, **more)
        assert answer.status < 300, (path, answer.raw)
        return answer.json if answer.raw else None

    async def make(self) -> None:
        ids, ask = self.ids, self.ask
        net = await ask("POST", f"{NETWORK}/networks", {"network": {"name": "n"}})
        ids["NET"] = net["network"]["id"]
        subnet = {"network_id": ids["NET"], "ip_version": 4, "cidr": "10.77.0.0/24"}
        await ask("POST", f"{NETWORK}/subnets", {"subnet": subnet})
        port = await ask("POST", f"{NETWORK}/ports", {"port": {"network_id": ids["NET"]}})
        ids["PORT"] = port["port"]["id"]
        ids["FIXED"] = port["port"]["fixed_ips"][0]["ip_address"]
        group = {"security_group": {"name": f"of {self._who}"}}
        ids["SECURITY"] = (await ask("POST", f"{NETWORK}/security-groups", group))[
            "security_group"
        ]["id"]
        public = await ask("GET", f"{NETWORK}/networks?router:external=true")
        floating = {"floatingip": {"floating_network_id": public["networks"][0]["id"]}}
        made = await ask("POST", f"{NETWORK}/floatingips", floating)
        ids["FLOATING"] = made["floatingip"]["floating_ip_address"]
        ids["FLOATING_ID"] = made["floatingip"]["id"]
        image = {"name": "i", "disk_format": "raw", "container_format": "bare"}
        ids["IMAGE"] = (await ask("POST", "/image/v2/images", image))["id"]
        raw = {"content-type": "application/octet-stream"}
        path = f"/image/v2/images/{ids['IMAGE']}/file"
        await self._cloud.call("PUT", path, as_=self._who, headers=raw, body=b"\0" * 4096)
        volume = await ask("POST", f"{VOLUME}/volumes", {"volume": {"size": 1}})
        ids["VOLUME"] = volume["volume"]["id"]
        ready = f"{VOLUME}/volumes/{ids['VOLUME']}"
        await self._cloud.until(
            ready, lambda a: a.json["volume"]["status"] == "available", as_=self._who
        )
        snapshot = {"snapshot": {"volume_id": ids["VOLUME"]}}
        made = await ask("POST", f"{VOLUME}/snapshots", snapshot)
        ids["SNAPSHOT"] = made["snapshot"]["id"]
        key = {"keypair": {"name": f"key-of-{self._who}"}}
        await ask("POST", f"{API}/os-keypairs", key)
        ids["KEY"] = f"key-of-{self._who}"
        servers = {"server_group": {"name": "g", "policies": ["affinity"]}}
        ids["GROUP"] = (await ask("POST", f"{API}/os-server-groups", servers))["server_group"]["id"]
        server = {"name": "s", "flavorRef": "42", "imageRef": self._cloud.image}
        server |= {"networks": [{"uuid": ids["NET"]}]}
        ids["SERVER"] = (await ask("POST", f"{API}/servers", {"server": server}))["server"]["id"]
        await self._cloud.until(
            f"{API}/servers/{ids['SERVER']}",
            lambda a: a.json["server"]["status"] == "ACTIVE",
            as_=self._who,
        )
        flavor = {"id": f"of-{self._who}", "name": f"of {self._who}", "ram": 64, "vcpus": 1}
        flavor |= {"disk": 1, "os-flavor-access:is_public": False}
        made = await self._cloud.call(
            "POST", f"{API}/flavors", as_="admin", json_={"flavor": flavor}
        )
        assert made.status == 200, made.raw
        ids["FLAVOR"] = f"of-{self._who}"
        access = {"addTenantAccess": {"tenant": self._cloud.projects[self._who]}}
        path = f"{API}/flavors/{ids['FLAVOR']}/action"
        assert (await self._cloud.call("POST", path, as_="admin", json_=access)).status == 200


def _server(**more: Any) -> dict[str, Any]:
    wish = {"name": "s", "flavorRef": "42", "imageRef": "$image", "networks": "none"}
    return {"server": {**wish, **more}}


def _mapped(source: str, id: str) -> dict[str, Any]:
    one = {"source_type": source, "uuid": id, "destination_type": "volume", "boot_index": 0}
    return _server(imageRef="", block_device_mapping_v2=[{**one, "volume_size": 1}])


ACTION = "/servers/SERVER/action"
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/servers", _server(imageRef="IMAGE")),
    ("POST", "/servers", _server(flavorRef="FLAVOR")),
    ("POST", "/servers", _server(networks=[{"uuid": "NET", "fixed_ip": "10.77.0.99"}])),
    ("POST", "/servers", _server(networks=[{"port": "PORT"}])),
    ("POST", "/servers", _server(security_groups=[{"name": "SECURITY"}],
                                 networks=[{"uuid": "NET"}])),
    ("POST", "/servers", _server(key_name="KEY", metadata={"a": "b"}, user_data="YQ==",
                                 accessIPv4="1.2.3.4", config_drive=True, min_count=1,
                                 max_count=1, availability_zone="nova")),
    ("POST", "/servers", _mapped("volume", "VOLUME")),
    ("POST", "/servers", _mapped("snapshot", "SNAPSHOT")),
    ("POST", "/servers", _mapped("image", "IMAGE")),
    ("POST", "/servers", _server(imageRef="", block_device_mapping=[
        {"volume_id": "VOLUME", "device_name": "vda", "delete_on_termination": False}])),
    ("POST", "/servers", _server(imageRef="", block_device_mapping=[
        {"snapshot_id": "SNAPSHOT", "device_name": "vda"}])),
    ("POST", "/servers", {**_server(), "os:scheduler_hints": {"group": "GROUP"}}),
    ("POST", "/servers", {**_server(), "os:scheduler_hints": {"same_host": ["SERVER"]}}),
    ("PUT", "/servers/SERVER", {"server": {"name": "t", "accessIPv6": "::1"}}),
    ("POST", "/servers/SERVER/metadata", {"metadata": {"a": "b"}}),
    ("PUT", "/servers/SERVER/metadata/a", {"meta": {"a": "c"}}),
    ("PUT", "/servers/SERVER/tags", {"tags": ["x"]}),
    ("POST", "/servers/SERVER/os-volume_attachments",
     {"volumeAttachment": {"volumeId": "VOLUME", "device": "/dev/vdb"}}),
    ("POST", "/servers/SERVER/os-interface", {"interfaceAttachment": {"net_id": "NET"}}),
    ("POST", "/servers/SERVER/os-interface", {"interfaceAttachment": {"port_id": "PORT"}}),
    ("POST", ACTION, {"reboot": {"type": "SOFT"}}),
    ("POST", ACTION, {"rebuild": {"imageRef": "IMAGE", "name": "x", "adminPass": "y"}}),
    ("POST", ACTION, {"rebuild": {"imageRef": "$image", "key_name": "KEY"}}),
    ("POST", ACTION, {"rescue": {"rescue_image_ref": "IMAGE", "adminPass": "x"}}),
    ("POST", ACTION, {"resize": {"flavorRef": "FLAVOR", "OS-DCF:diskConfig": "AUTO"}}),
    ("POST", ACTION, {"addSecurityGroup": {"name": "SECURITY"}}),
    ("POST", ACTION, {"removeSecurityGroup": {"name": "SECURITY"}}),
    ("POST", ACTION, {"addFixedIp": {"networkId": "NET"}}),
    ("POST", ACTION, {"removeFixedIp": {"address": "FIXED"}}),
    ("POST", ACTION, {"addFloatingIp": {"address": "FLOATING"}}),
    ("POST", ACTION, {"removeFloatingIp": {"address": "FLOATING"}}),
    ("POST", ACTION, {"createImage": {"name": "x", "metadata": {"a": "b"}}}),
    ("POST", ACTION, {"createBackup": {"name": "x", "backup_type": "d", "rotation": 1}}),
    ("POST", ACTION, {"unshelve": {"availability_zone": "nova"}}),
    ("POST", ACTION, {"changePassword": {"adminPass": "x"}}),
    ("POST", ACTION, {"os-getConsoleOutput": {"length": 1}}),
    ("POST", ACTION, {"lock": {"locked_reason": "x"}}),
    ("POST", ACTION, {"unlock": None}),
    ("POST", ACTION, {"migrate": {"host": "x"}}),
    ("POST", ACTION, {"os-resetState": {"state": "active"}}),
    ("POST", ACTION, {"evacuate": {"host": "x"}}),
    ("POST", "/servers/SERVER/remote-consoles",
     {"remote_console": {"protocol": "vnc", "type": "novnc"}}),
    ("POST", "/os-keypairs", {"keypair": {"name": "k", "type": "ssh"}}),
    ("POST", "/os-server-groups", {"server_group": {"name": "g", "policy": "affinity",
                                                    "rules": {"max_server_per_host": 1}}}),
    ("POST", "/os-volumes", {"volume": {"size": 1, "snapshot_id": "SNAPSHOT"}}),
    ("POST", "/os-snapshots", {"snapshot": {"volume_id": "VOLUME", "force": True}}),
    ("POST", "/os-security-groups", {"security_group": {"name": "x", "description": "y"}}),
    ("POST", "/os-security-group-rules", {"security_group_rule": {
        "parent_group_id": "SECURITY", "ip_protocol": "tcp", "from_port": 1, "to_port": 2,
        "cidr": "10.0.0.0/8"}}),
    ("POST", "/os-security-group-rules", {"security_group_rule": {
        "parent_group_id": "$security", "ip_protocol": "tcp", "from_port": 1, "to_port": 2,
        "group_id": "SECURITY"}}),
    ("DELETE", "/os-security-groups/SECURITY", None),
    ("DELETE", "/os-volumes/VOLUME", None),
    ("DELETE", "/os-snapshots/SNAPSHOT", None),
    ("DELETE", "/os-floating-ips/FLOATING_ID", None),
    ("DELETE", "/os-keypairs/KEY", None),
    ("DELETE", "/os-server-groups/GROUP", None),
    ("DELETE", "/images/IMAGE", None),
    ("POST", "/images/IMAGE/metadata", {"metadata": {"a": "b"}}),
    ("GET", "/os-tenant-networks/NET", None),
    ("GET", "/flavors/FLAVOR", None),
    ("DELETE", "/servers/SERVER/os-interface/PORT", None),
    ("DELETE", "/servers/SERVER/os-volume_attachments/VOLUME", None),
    ("PUT", "/servers/SERVER/os-volume_attachments/VOLUME",
     {"volumeAttachment": {"volumeId": "VOLUME"}}),
    ("DELETE", "/servers/SERVER", None),
)  # fmt: skip


def words(value: Any) -> Iterator[str]:
    yield from (word for word in MINE if word in json.dumps(value).replace("/", '"').split('"'))


MINE = (
    *("NET", "PORT", "FIXED", "SECURITY", "FLOATING", "FLOATING_ID", "IMAGE", "VOLUME"),
    *("SNAPSHOT", "KEY", "GROUP", "SERVER", "FLAVOR"),
)


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {filled(k, ids): filled(v, ids) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    if isinstance(value, str) and "/" in value:
        return "/".join(ids.get(part, part) for part in value.split("/"))
    return ids.get(value, value) if isinstance(value, str) else value


def spoilt(body: Any) -> Iterator[Any]:
    """The body with junk in the place of each of its values, in turn."""
    for path in list(places(body)):
        for junk in JUNK:
            found = copy.deepcopy(body)
            inner = found
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = junk
            yield found


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (key,)
        if isinstance(inner, dict | list):
            yield from ((key, *rest) for rest in places(inner))


def state(cloud: TestCloud) -> dict[str, Any]:
    connection: Any = cloud.cloud.database._connection  # type: ignore[attr-defined]
    found = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in KEPT
    }
    used = "SELECT project_id, service, resource, used FROM quota_usages WHERE used != 0"
    return {**found, "used": sorted(connection.execute(used).fetchall())}


def changed(before: dict[str, Any], after: dict[str, Any]) -> str:
    names = [name for name in after if before[name] != after[name]]
    return "".join(f" {name} changed: {before[name]}, {after[name]}" for name in names)


def unlike_a_fault(status: int, raw: bytes) -> str:
    """What is wrong with it; nothing for a refusal in Nova's shape."""
    if not 400 <= status < 500:
        return f"{status}"
    found = json.loads(raw)
    if status in (401, 413) and "error" in found:
        return ""
    [(_, fault)] = found.items()
    message = fault.get("message")
    if fault.get("code") != status or not isinstance(message, str) or not message:
        return f"{raw[:300]!r}"
    return f"{len(message)} characters of words" if len(message) > 2000 else ""


async def send(cloud: TestCloud, request: tuple[str, str, Any], version: str) -> tuple[int, bytes]:
    method, path, body = request
    answer = await cloud.call(
        method,
        API + path,
        as_="mallory",
        json_=body,
        headers={"openstack-api-version": f"compute {version}"},
    )
    return answer.status, answer.raw


def test_a_hostile_tenant(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await second_project(cloud, "mallory")
            theirs, mine = Things(cloud, "demo"), Things(cloud, "mallory")
            await theirs.make()
            await mine.make()
            known = {"$image": cloud.image, "$security": mine.ids["SECURITY"]}
            await asyncio.sleep(1.2)  # what their hosts have to say is said
            await foreign(cloud, {**mine.ids, **known}, theirs.ids)
            await junk(cloud, {**mine.ids, **known})

    asyncio.run(main())


async def foreign(cloud: TestCloud, mine: dict[str, str], theirs: dict[str, str]) -> None:
    wrong = []
    for request, version in itertools.product(REQUESTS, VERSIONS):
        for word in words(request):
            before = state(cloud)
            asked = filled(list(request), {**mine, word: theirs[word]})
            status, raw = await send(cloud, asked, version)
            if "same_host" in str(request) and status == 202:
                await _nowhere(cloud, raw)  # as if there were no such server: on no host
                continue
            said = unlike_a_fault(status, raw) + changed(before, state(cloud))
            if said:
                wrong.append(f"{version} {request} with another's {word}: {said}")
    assert not wrong, "\n".join(wrong)


async def junk(cloud: TestCloud, mine: dict[str, str]) -> None:
    wrong = []
    for request in REQUESTS:
        method, path, body = filled(list(request), mine)
        if body is None:
            continue
        for version, each in zip(itertools.cycle(VERSIONS), spoilt(body), strict=False):
            before = state(cloud)
            status, raw = await send(cloud, (method, path, each), version)
            if status < 300:
                if path == "/servers":
                    await _undo(cloud, raw)
                continue
            said = unlike_a_fault(status, raw) + changed(before, state(cloud))
            if said:
                wrong.append(f"{version} {method} {path} {json.dumps(each)[:300]}: {said}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:60])


async def _nowhere(cloud: TestCloud, raw: bytes) -> None:
    path = f"{API}/servers/{json.loads(raw)['server']['id']}"
    answer = await cloud.call("GET", path, as_="mallory")
    assert answer.json["server"]["status"] == "ERROR"
    await _undo(cloud, raw)


async def _undo(cloud: TestCloud, raw: bytes) -> None:
    made = json.loads(raw)
    if "server" in made:
        await send(cloud, ("DELETE", f"/servers/{made['server']['id']}", None), "2.1")
