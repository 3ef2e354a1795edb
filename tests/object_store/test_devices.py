"""Devices that come and go under a running cloud: nothing that was acknowledged is lost, replicas
come back, moves are few, rot is found and does not spread, an empty mount point is left alone."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cumulo.object_store.drivers.files import MARKER, QUARANTINE
from tests.support.cloud import TestCloud, running_cloud

RING = "/cumulo/object-store"
NAMES = [f"o{n}" for n in range(24)]


def content(name: str) -> bytes:
    return f"{name} ".encode() * 2000


class Store:
    """A cloud with several devices, and their folders as they are on the disk."""

    def __init__(self, cloud: TestCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.base = f"/object-store/v1/AUTH_{cloud.projects['demo']}/c"

    async def put(self, names: list[str]) -> None:
        for name in names:
            done = await self.cloud.call("PUT", f"{self.base}/{name}", body=content(name))
            assert done.status == 201, done.raw

    async def all_there(self) -> bool:
        got = [await self.cloud.call("GET", f"{self.base}/{name}") for name in NAMES]
        return all(g.status == 200 and g.raw == content(n) for g, n in zip(got, NAMES, strict=True))

    async def ring(self, verb: str, path: str, body: Any = None, status: int = 200) -> Any:
        done = await self.cloud.call(verb, f"{RING}{path}", as_="admin", json_=body)
        assert done.status == status, done.raw
        return done.json

    def blobs(self, device: str) -> dict[str, Path]:
        found = (self.folder / device).glob("[0-9a-f][0-9a-f]/*")
        return {path.name: path for path in found if len(path.name) == 32}

    def copies(self, *devices: str) -> Counter[str]:
        return Counter(blob for device in devices for blob in self.blobs(device))


def run(
    tmp_path: Path, work: Callable[[Store], Awaitable[None]], count: int, replicas: int
) -> None:
    folder = tmp_path / "devices"

    async def main() -> None:
        settings = {
            "devices": {f"d{n}": {"path": str(folder / f"d{n}")} for n in range(count)},
            "replicas": replicas,
            "repair_rate": 1000,
        }
        async with running_cloud(tmp_path / "data", object_store=settings) as cloud:
            await cloud.token("demo")
            store = Store(cloud, folder)
            for _ in range(200):
                if all((folder / f"d{n}" / MARKER).exists() for n in range(count)):
                    break
                await asyncio.sleep(0.02)
            assert (await cloud.call("PUT", store.base)).status == 201
            await work(store)

    asyncio.run(main())


def test_devices_are_added_emptied_and_forgotten(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.put(NAMES)
        before = {name: set(store.blobs(name)) for name in ("d0", "d1", "d2")}
        assert set(store.copies("d0", "d1", "d2").values()) == {2}
        wish = {"name": "d3", "path": str(store.folder / "d3")}
        await store.ring("POST", "/devices", wish, status=201)
        await store.ring("POST", "/devices", wish, status=409)
        await store.ring("POST", "/devices", {"name": "../x"}, status=400)
        # What bears another cloud's mark is not taken over.
        other = store.folder / "other"
        other.mkdir()
        (other / MARKER).write_text("another's")
        wish = {"name": "d4", "path": str(other)}
        await store.ring("POST", "/devices", wish, status=409)
        assert await store.all_there()
        found = await store.ring("POST", "/rebalance")
        assert found["repair"]["missing"] == 0
        # Only what the new one got has moved.
        assert set(store.copies("d0", "d1", "d2", "d3").values()) == {2}
        assert all(set(store.blobs(name)) <= before[name] for name in before)
        assert store.blobs("d3")
        assert await store.all_there()
        await store.ring("POST", "/devices/d3/weight", {"weight": 0})
        assert await store.all_there()
        await store.ring("POST", "/rebalance")
        assert not store.blobs("d3")
        assert {name: set(store.blobs(name)) for name in before} == before
        await store.ring("POST", "/devices/d3/forget")
        assert await store.all_there()
        # What the settings name is not forgotten, and the last one is not emptied.
        await store.ring("POST", "/devices/d0/forget", status=409)
        for name in ("d0", "d1"):
            await store.ring("POST", f"/devices/{name}/weight", {"weight": 0})
        await store.ring("POST", "/devices/d2/weight", {"weight": 0}, status=409)
        refused = await store.cloud.call("GET", f"{RING}/ring")
        assert refused.status == 403

    run(tmp_path, work, 3, 2)


def test_a_device_that_is_away_is_stood_in_for_and_comes_back(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.put(NAMES[:12])
        away, there = store.folder / "d1", store.folder / "elsewhere"
        away.rename(there)
        # The empty place where a disk would be mounted.
        away.mkdir()
        await store.put(NAMES[12:])
        assert list(away.iterdir()) == []
        assert await store.all_there()
        shown = {
            each["name"]: each["there"] for each in (await store.ring("GET", "/ring"))["devices"]
        }
        assert shown == {"d0": True, "d1": False, "d2": True, "d3": True}
        gone = await store.cloud.call("DELETE", f"{store.base}/{NAMES[0]}")
        assert gone.status == 204
        found = await store.ring("POST", "/rebalance")
        assert found["repair"]["missing"] > 0
        await store.put([NAMES[0]])
        away.rmdir()
        there.rename(away)
        found = await store.ring("POST", "/rebalance")
        assert found["repair"]["missing"] == 0
        assert await store.all_there()
        # All of its own again, and nobody stands in any more. (What was deleted meanwhile is young
        # still: it may be of somebody who is about to say so.)
        live = store.copies("d0", "d2", "d3") + store.copies("d1")
        assert sorted(Counter(live.values()).items())[-1] == (2, len(NAMES))

    run(tmp_path, work, 4, 2)


def test_rot_is_found_made_good_and_does_not_spread(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.put(NAMES)
        blob, path = sorted(store.blobs("d0").items())[0]
        path.chmod(0o600)
        whole = path.read_bytes()
        path.write_bytes(b"rot" + whole[3:])
        # The other replica is lost, and would be made again of this one.
        other = next(d for d in ("d1", "d2") if blob in store.blobs(d))
        short, cut = sorted(store.blobs("d2").items())[-1]
        cut.chmod(0o600)
        cut.write_bytes(cut.read_bytes()[:-1])
        found = await store.ring("POST", "/audit")
        assert found["repair"]["quarantined"] == 2
        assert store.blobs("d0")[blob].read_bytes() == whole
        assert len(list((store.folder / "d0" / QUARANTINE).iterdir())) == 1
        assert store.blobs("d2")[short].stat().st_size == cut.stat().st_size
        assert await store.all_there()
        path = store.blobs("d0")[blob]
        path.chmod(0o600)
        path.write_bytes(b"rot" + whole[3:])
        store.blobs(other)[blob].unlink()
        found = await store.ring("POST", "/rebalance")
        assert found["repair"]["missing"] and found["repair"]["quarantined"] == 3
        assert blob not in store.copies("d0", "d1", "d2")

    run(tmp_path, work, 3, 2)


def test_a_majority_is_enough_and_less_is_not(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.put(NAMES)
        for name in ("d1", "d2"):
            (store.folder / name).rename(store.folder / f"{name}-away")
            answer = await store.cloud.call("PUT", f"{store.base}/more-{name}", body=b"x")
            assert answer.status == (201 if name == "d1" else 507)
        # What is there is read from the one that is left.
        assert await store.all_there()
        with contextlib.suppress(FileNotFoundError):
            (store.folder / "d2").rmdir()
        (store.folder / "d2-away").rename(store.folder / "d2")
        assert (await store.cloud.call("PUT", f"{store.base}/again", body=b"x")).status == 201

    run(tmp_path, work, 3, 3)
