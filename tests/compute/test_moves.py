"""Servers that go to another host, and servers whose host cannot do what was asked."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.compute.agent import ComputeAgent
from cumulo.compute.drivers.fake import FakeDriver, Fault
from cumulo.compute.model.server import ServerRow
from cumulo.core.hosts.registry import HostRegistry
from tests.support.cloud import Answer, TestCloud, running_cloud

SERVERS = "/compute/v2.1/servers"
VERSION = {"openstack-api-version": "compute 2.79"}


def driver_of(cloud: TestCloud, host: str) -> FakeDriver:
    agent = next(each for each in cloud.cloud.agents if each.host_id == host)
    part = agent.parts["compute"]
    assert isinstance(part, ComputeAgent) and isinstance(part.driver, FakeDriver)
    return part.driver


async def make(cloud: TestCloud) -> str:
    wish = {"name": "one", "flavorRef": "42", "imageRef": cloud.image}
    answer = await cloud.call("POST", SERVERS, json_={"server": wish})
    assert answer.status == 202, answer.raw
    server_id: str = answer.json["server"]["id"]
    await now(cloud, server_id, "ACTIVE")
    return server_id


async def now(cloud: TestCloud, server_id: str, status: str) -> Any:
    def accept(answer: Answer) -> bool:
        server = answer.json["server"]
        return bool(server["status"] == status and server["OS-EXT-STS:task_state"] is None)

    answer = await cloud.until(f"{SERVERS}/{server_id}", accept, as_="admin", headers=VERSION)
    return answer.json["server"]


async def act(cloud: TestCloud, server_id: str, status: int = 202, **body: Any) -> None:
    answer = await cloud.call(
        "POST", f"{SERVERS}/{server_id}/action", as_="admin", json_=body, headers=VERSION
    )
    assert answer.status == status, answer.raw


async def used(cloud: TestCloud) -> int:
    """VCPUs that are taken of all hosts."""
    listed = await cloud.call("GET", "/placement/resource_providers", as_="admin")
    total = 0
    for each in listed.json["resource_providers"]:
        path = f"/placement/resource_providers/{each['uuid']}/usages"
        total += (await cloud.call("GET", path, as_="admin")).json["usages"]["VCPU"]
    return total


def test_a_cold_migration_and_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            server_id = await make(cloud)
            before = (await now(cloud, server_id, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]
            for last in ("revertResize", "confirmResize"):
                await act(cloud, server_id, migrate=None)
                moved = await now(cloud, server_id, "VERIFY_RESIZE")
                after = moved["OS-EXT-SRV-ATTR:host"]
                assert after != before
                assert await used(cloud) == 2, "room on both hosts is held"
                old, new = driver_of(cloud, before), driver_of(cloud, after)
                assert (await new.inspect(server_id)).power == "on"
                assert (await old.inspect(server_id)).power == "off"
                ports = await cloud.call("GET", f"{SERVERS}/{server_id}/os-interface", as_="admin")
                (port,) = ports.json["interfaceAttachments"]
                path = f"/network/v2.0/ports/{port['port_id']}"
                shown = await cloud.call("GET", path, as_="admin")
                assert shown.json["port"]["binding:host_id"] == after
                await act(cloud, server_id, 204 if last[0] == "c" else 202, **{last: None})
                server = await now(cloud, server_id, "ACTIVE")
                assert server["OS-EXT-SRV-ATTR:host"] == (before if last[0] == "r" else after)
            for _ in range(200):
                if await driver_of(cloud, before).names() == []:
                    break
                await asyncio.sleep(0.02)
            assert await driver_of(cloud, before).names() == []
            assert await used(cloud) == 1

    asyncio.run(story())


def test_ephemeral_disks_come_along_and_grow(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            flavors = {}
            for name, more in (("small", 0), ("large", 2)):
                kind = {"name": name, "vcpus": 1, "ram": 128, "disk": 1, "swap": 64 * more}
                kind["OS-FLV-EXT-DATA:ephemeral"] = 3 + more
                made = await cloud.call(
                    "POST", "/compute/v2.1/flavors", as_="admin", json_={"flavor": kind}
                )
                flavors[name] = made.json["flavor"]["id"]
            wish: dict[str, Any] = {"name": "e", "imageRef": cloud.image}
            wish["flavorRef"] = flavors["small"]

            async def create(*sizes: int | None) -> Answer:
                blank = {"source_type": "blank", "destination_type": "local"}
                root = {"source_type": "image", "destination_type": "local", "boot_index": 0}
                disks = [root | {"uuid": cloud.image}]
                disks += [blank | ({"volume_size": size} if size else {}) for size in sizes]
                body = {"server": wish | {"block_device_mapping_v2": disks, "networks": "none"}}
                return await cloud.call("POST", SERVERS, json_=body, headers=VERSION)

            assert (await create(2, 2)).status == 400, "more than the flavor has"
            assert (await create(None, None)).status == 400, "each would be all of it"
            server_id = (await create(2, 1)).json["server"]["id"]
            before = (await now(cloud, server_id, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]
            assert driver_of(cloud, before)._guests[server_id].ephemerals == [(0, 2), (1, 1)]
            await act(cloud, server_id, migrate=None)
            after = (await now(cloud, server_id, "VERIFY_RESIZE"))["OS-EXT-SRV-ATTR:host"]
            assert after != before
            for host in (before, after):
                assert driver_of(cloud, host)._guests[server_id].ephemerals == [(0, 2), (1, 1)]
            await act(cloud, server_id, 204, confirmResize=None)

            other = (await create()).json["server"]["id"]
            host = (await now(cloud, other, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]
            await act(cloud, other, resize={"flavorRef": flavors["large"]})
            there = (await now(cloud, other, "VERIFY_RESIZE"))["OS-EXT-SRV-ATTR:host"]
            assert there == host
            guest = driver_of(cloud, host)._guests[other]
            assert guest.ephemerals == [(0, 3), (0, 5)], "the elder one waits"
            await act(cloud, other, revertResize=None)
            await now(cloud, other, "ACTIVE")
            await cloud.until(f"{SERVERS}/{other}", lambda a: guest.ephemerals == [(0, 3)])
            await act(cloud, other, resize={"flavorRef": flavors["large"]})
            await now(cloud, other, "VERIFY_RESIZE")
            await act(cloud, other, 204, confirmResize=None)
            await now(cloud, other, "ACTIVE")
            await act(cloud, other, 400, resize={"flavorRef": flavors["small"]})

    asyncio.run(story())


def test_a_host_that_cannot_make_it_is_not_the_only_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            bad, good = "fake-0001", "fake-0002"
            driver_of(cloud, bad).faults["spawn"] = Fault("no such machine")
            ids = [await make(cloud) for _ in range(2)]
            for server_id in ids:
                shown = await now(cloud, server_id, "ACTIVE")
                assert shown["OS-EXT-SRV-ATTR:host"] == good
            assert await used(cloud) == 2
            wish = {"name": "here", "flavorRef": "42", "imageRef": cloud.image}
            wish["availability_zone"] = f"nova:{bad}"
            answer = await cloud.call("POST", SERVERS, as_="admin", json_={"server": wish})
            pinned = answer.json["server"]["id"]
            assert (await now(cloud, pinned, "ERROR"))["OS-EXT-SRV-ATTR:host"] == bad
            # Volumes of simulated hosts are kept by one of them, and serve all.
            root = {"source_type": "image", "uuid": cloud.image, "volume_size": 1}
            root |= {"destination_type": "volume", "boot_index": 0}
            there = {k: v for k, v in wish.items() if k != "imageRef"}
            there |= {"availability_zone": f"nova:{good}", "block_device_mapping_v2": [root]}
            answer = await cloud.call("POST", SERVERS, as_="admin", json_={"server": there})
            assert answer.status == 202, answer.raw
            await now(cloud, answer.json["server"]["id"], "ACTIVE")
            driver_of(cloud, good).faults["spawn"] = Fault("neither here")
            answer = await cloud.call("POST", SERVERS, json_={"server": wish | {
                "availability_zone": "nova"}})  # fmt: skip
            nowhere = await now(cloud, answer.json["server"]["id"], "ERROR")
            assert nowhere["fault"]["message"] in ("no such machine", "neither here")
            assert await used(cloud) == 5

    asyncio.run(story())


def test_a_copy_that_fails_leaves_it_where_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            server_id = await make(cloud)
            before = (await now(cloud, server_id, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]
            driver_of(cloud, before).faults["snapshot"] = Fault("no space is left")
            await act(cloud, server_id, createImage={"name": "copy"})
            job = await cancel_soon(cloud, server_id)
            assert "no space is left" in (job or "")
            assert (await now(cloud, server_id, "ACTIVE"))["OS-EXT-SRV-ATTR:host"] == before
            images = await cloud.call("GET", "/image/v2/images?name=copy", as_="admin")
            assert images.json["images"] == []

    asyncio.run(story())


async def cancel_soon(cloud: TestCloud, server_id: str) -> str | None:
    """Undo the server's job once it has failed; why it failed."""
    database, jobs = cloud.cloud.database, cloud.cloud.frame.jobs
    for _ in range(500):
        found = await database.read(lambda tx: jobs.of(tx, server_id))
        if found and found[0].fault:
            reason, id = found[0].fault, found[0].id
            await database.write(lambda tx, id=id: jobs.cancel(tx, id))  # type: ignore[misc]
            return reason
        await asyncio.sleep(0.02)
    return None


def test_a_resize_that_the_host_cannot_make_goes_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            driver = driver_of(cloud, "fake-host")
            driver.faults["spawn"] = Fault("no such memory", count=3)
            await act(cloud, server_id, resize={"flavorRef": "84"})
            seconds = 30.0
            answer = await cloud.until(
                f"{SERVERS}/{server_id}",
                lambda a: a.json["server"]["status"] == "ACTIVE",
                seconds=seconds,
                headers=VERSION,
            )
            assert answer.json["server"]["flavor"]["original_name"] == "m1.nano"
            actions = await cloud.call("GET", f"{SERVERS}/{server_id}/os-instance-actions")
            (resize,) = [a for a in actions.json["instanceActions"] if a["action"] == "resize"]
            assert resize["message"]
            assert await used(cloud) == 1

    asyncio.run(story())


def test_an_evacuation(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            server_id = await make(cloud)
            created = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 1}})
            volume = f"/volume/v3/volumes/{created.json['volume']['id']}"
            await cloud.until(volume, lambda a: a.json["volume"]["status"] == "available")
            wish = {"volumeAttachment": {"volumeId": created.json["volume"]["id"]}}
            await cloud.call("POST", f"{SERVERS}/{server_id}/os-volume_attachments", json_=wish)
            await cloud.until(volume, lambda a: a.json["volume"]["status"] == "in-use")
            before = (await now(cloud, server_id, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]
            await act(cloud, server_id, 400, evacuate={})  # Its host is not down.
            await force_down(cloud, before)
            await act(cloud, server_id, 400, evacuate={"host": before})
            await act(cloud, server_id, 200, evacuate={})
            server = await now(cloud, server_id, "ACTIVE")
            after = server["OS-EXT-SRV-ATTR:host"]
            assert after != before
            assert await used(cloud) == 1
            guest = await driver_of(cloud, after).inspect(server_id)
            assert guest.power == "on" and len(guest.disks) == 1
            for _ in range(200):
                if await driver_of(cloud, before).names() == []:
                    break
                await asyncio.sleep(0.02)
            assert await driver_of(cloud, before).names() == [], "that host was not off at all"
            (port,) = (
                await cloud.call("GET", f"{SERVERS}/{server_id}/os-interface", as_="admin")
            ).json["interfaceAttachments"]
            shown = await cloud.call("GET", f"/network/v2.0/ports/{port['port_id']}", as_="admin")
            assert shown.json["port"]["binding:host_id"] == after
            path = "/compute/v2.1/os-migrations?migration_type=evacuation"
            listed = await cloud.call("GET", path, as_="admin", headers=VERSION)
            assert [each["status"] for each in listed.json["migrations"]] == ["done"]

    asyncio.run(story())


def test_an_evacuated_server_stays_off(tmp_path: Path) -> None:
    """API 2.95; and nobody else but an administrator may."""

    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            server_id = await make(cloud)
            before = (await now(cloud, server_id, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]
            await force_down(cloud, before)
            path, body = f"{SERVERS}/{server_id}/action", {"evacuate": {}}
            newest = {"openstack-api-version": "compute 2.95"}
            assert (await cloud.call("POST", path, json_=body, headers=newest)).status == 403
            answer = await cloud.call("POST", path, as_="admin", json_=body, headers=newest)
            assert answer.status == 200 and not answer.raw
            server = await now(cloud, server_id, "SHUTOFF")
            after = server["OS-EXT-SRV-ATTR:host"]
            assert after != before
            await act(cloud, server_id, **{"os-start": None})
            await now(cloud, server_id, "ACTIVE")
            await force_down(cloud, before, down=False)
            await force_down(cloud, after)
            driver_of(cloud, before).faults["spawn"] = Fault("no such memory", count=10)
            old = {"evacuate": {"onSharedStorage": False, "adminPass": "secret"}}
            answer = await cloud.call("POST", path, as_="admin", json_=old)
            assert answer.status == 200 and answer.json == {"adminPass": "secret"}
            await now(cloud, server_id, "ERROR")
            assert await used(cloud) == 1

    asyncio.run(story())


def test_a_server_stays_with_the_machine_of_its_volumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HostRegistry, "are_machines", lambda self, tx: True)

    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            made = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 1}})
            id = made.json["volume"]["id"]
            volume = f"/volume/v3/volumes/{id}"
            shown = await cloud.until(
                volume, lambda a: a.json["volume"]["status"] == "available", as_="admin"
            )
            place = shown.json["volume"]["os-vol-host-attr:host"].partition("@")[0]
            wish = {"name": "one", "flavorRef": "42", "imageRef": cloud.image}
            wish |= {"block_device_mapping_v2": [root_of(cloud), data_of(id)]}
            answer = await cloud.call("POST", SERVERS, json_={"server": wish})
            assert answer.status == 202, answer.raw
            server_id = answer.json["server"]["id"]
            server = await now(cloud, server_id, "ACTIVE")
            assert server["OS-EXT-SRV-ATTR:host"] == place
            other = next(a.host_id for a in cloud.cloud.agents if a.host_id != place)
            await act(cloud, server_id, 400, migrate=None)
            await force_down(cloud, place)
            await act(cloud, server_id, 400, evacuate={})
            await act(cloud, server_id, 400, evacuate={"host": other})
            await force_down(cloud, place, down=False)
            await act(cloud, server_id, shelve=None)
            await now(cloud, server_id, "SHELVED_OFFLOADED")
            await act(cloud, server_id, unshelve=None)
            back = await now(cloud, server_id, "ACTIVE")
            assert back["OS-EXT-SRV-ATTR:host"] == place
            await act(cloud, server_id, resize={"flavorRef": "84"})
            resized = await now(cloud, server_id, "VERIFY_RESIZE")
            assert resized["OS-EXT-SRV-ATTR:host"] == place

    asyncio.run(story())


def root_of(cloud: TestCloud) -> dict[str, Any]:
    kinds = {"source_type": "image", "destination_type": "local"}
    return {**kinds, "uuid": cloud.image, "boot_index": 0, "delete_on_termination": True}


def data_of(volume_id: str) -> dict[str, Any]:
    return {"source_type": "volume", "destination_type": "volume", "uuid": volume_id}


def test_what_was_before_a_resize_stays(tmp_path: Path) -> None:
    """Also in an error nothing touches it before somebody decides; and a number of a root disk
    that was given up is never used again."""

    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            server_id = await make(cloud)
            versions = []
            for _ in range(2):
                await act(cloud, server_id, migrate=None)
                await now(cloud, server_id, "VERIFY_RESIZE")
                row = await cloud.cloud.database.read(lambda tx: tx.get(ServerRow, server_id))
                assert row is not None
                versions.append(row.root_version)
                await act(cloud, server_id, **{"os-resetState": {"state": "error"}})
                await act(cloud, server_id, 409, rebuild={"imageRef": cloud.image})
                await act(cloud, server_id, 409, rescue={})
                await act(cloud, server_id, **{"os-resetState": {"state": "active"}})
                await act(cloud, server_id, revertResize=None)
                await act(cloud, server_id, 409, confirmResize=None)
                await now(cloud, server_id, "ACTIVE")
            assert versions[0] < versions[1]

    asyncio.run(story())


def test_a_guest_is_thawed_whatever_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    async def freeze(self: FakeDriver, guest_id: str, wanted: bool) -> bool:
        told.append(wanted)
        return False

    monkeypatch.setattr(FakeDriver, "freeze", freeze)

    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            await act(cloud, server_id, createImage={"name": "copy"})
            await now(cloud, server_id, "ACTIVE")
            assert told == [False, True, False]

    asyncio.run(story())


def test_a_shelving_that_fails_leaves_it_running(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            driver_of(cloud, "fake-host").faults["snapshot"] = Fault("no space is left")
            await act(cloud, server_id, shelve=None)
            assert "no space is left" in (await cancel_soon(cloud, server_id) or "")
            await now(cloud, server_id, "ACTIVE")

    asyncio.run(story())


def test_a_server_on_a_dead_host_can_be_deleted(tmp_path: Path) -> None:
    """At once, with all that it used; when the host was not dead at all it removes its guest."""

    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            driver = driver_of(cloud, "fake-host")
            driver.faults["remove"] = Fault("nobody is there", count=1)
            await force_down(cloud, "fake-host")
            answer = await cloud.call("DELETE", f"{SERVERS}/{server_id}")
            assert answer.status == 204
            assert (await cloud.call("GET", f"{SERVERS}/{server_id}")).status == 404
            assert await used(cloud) == 0
            limits = (await cloud.call("GET", "/compute/v2.1/limits")).json["limits"]["absolute"]
            assert limits["totalInstancesUsed"] == 0
            for _ in range(200):
                if await driver.names() == []:
                    break
                await asyncio.sleep(0.02)
            assert await driver.names() == []

    asyncio.run(story())


def test_a_revert_that_stumbles_is_one_at_last(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            await act(cloud, server_id, resize={"flavorRef": "84"})
            await now(cloud, server_id, "VERIFY_RESIZE")
            driver = driver_of(cloud, "fake-host")
            driver.faults["spawn"] = Fault("taps are late", count=3)
            await act(cloud, server_id, revertResize=None)
            await now(cloud, server_id, "ERROR")
            assert await used(cloud) == 1
            for name in ("revertResize", "confirmResize"):
                await act(cloud, server_id, 409, **{name: None})
            await act(cloud, server_id, **{"os-resetState": {"state": "active"}})
            server = await now(cloud, server_id, "ACTIVE")
            assert server["flavor"]["original_name"] == "m1.nano"
            assert await used(cloud) == 1
            await act(cloud, server_id, resize={"flavorRef": "84"})
            await now(cloud, server_id, "VERIFY_RESIZE")

    asyncio.run(story())


def test_a_reset_takes_back_what_is_at_work(tmp_path: Path) -> None:
    """A shelving waits for its host to switch the guest off; an administrator need not."""

    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            driver_of(cloud, "fake-host").faults["power_off"] = Fault("it does not answer", count=2)
            await act(cloud, server_id, shelve=None)
            await act(cloud, server_id, **{"os-resetState": {"state": "active"}})
            await now(cloud, server_id, "ACTIVE")
            listed = await cloud.call("GET", "/image/v2/images?name=one-shelved", as_="admin")
            assert listed.json["images"] == []

    asyncio.run(story())


def test_only_backups_that_are_there_count(tmp_path: Path) -> None:
    """One that was deleted, and one that failed, are none; a protected one stays."""

    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            kept: list[str] = []
            for name in ("a", "b", "c", "d"):
                wish = {"name": name, "backup_type": "daily", "rotation": 2}
                answer = await cloud.call(
                    "POST", f"{SERVERS}/{server_id}/action", json_={"createBackup": wish}
                )
                assert answer.status == 202, answer.raw
                await now(cloud, server_id, "ACTIVE")
                listed = await cloud.call("GET", "/image/v2/images?image_type=backup")
                found = {each["name"]: each["id"] for each in listed.json["images"]}
                kept.append("".join(sorted(found)))
                if name == "b":
                    assert (
                        await cloud.call("DELETE", f"/image/v2/images/{found['b']}")
                    ).status == 204
                    body = [{"op": "replace", "path": "/protected", "value": True}]
                    kind = {"content-type": "application/openstack-images-v2.1-json-patch"}
                    path = f"/image/v2/images/{found['a']}"
                    changed = await cloud.call("PATCH", path, json_=body, headers=kind)
                    assert changed.status == 200, changed.raw
            assert kept == ["a", "ab", "ac", "acd"]

    asyncio.run(story())


async def force_down(cloud: TestCloud, host: str, *, down: bool = True) -> None:
    path = f"/compute/v2.1/os-services?host={host}"
    listed = await cloud.call("GET", path, as_="admin", headers=VERSION)
    (service,) = [s for s in listed.json["services"] if s["binary"] == "nova-compute"]
    answer = await cloud.call(
        "PUT",
        f"/compute/v2.1/os-services/{service['id']}",
        as_="admin",
        json_={"forced_down": down},
        headers=VERSION,
    )
    assert answer.status == 200, answer.raw
