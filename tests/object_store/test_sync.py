"""Containers that are sent on: what one object or one container cannot do to the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from cumulo.object_store.model.sync import Realm
from cumulo.object_store.service import sync as module
from cumulo.object_store.service.sync import Sync
from tests.support.cloud import running_cloud

REALM = {"key": "between us", "clusters": {"there": "http://127.0.0.1:1/v1/"}}


class Sender:
    """Refuses by name, and lets time go by."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.refused: dict[str, int] = {}
        self.now, self.takes = 0.0, 0.0

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None = None,
    ) -> int:
        _, _, _, container, name = urlsplit(url).path.split("/")
        self.sent.append(f"{method} {container}/{name}")
        self.now += self.takes
        return self.refused.get(name, 201)


def test_refusals_and_large_containers_keep_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        settings = {"sync_realms": {"realm1": REALM}, "sync_interval": 3600}
        async with running_cloud(tmp_path / "data", object_store=settings) as cloud:
            await cloud.token("demo")
            base = f"/object-store/v1/AUTH_{cloud.projects['demo']}"

            async def put(path: str, verb: str = "PUT", **headers: str) -> int:
                named = {f"X-Container-Sync-{k}": v for k, v in headers.items()}
                body = b"x" if "/" in path and verb == "PUT" else b""
                done = await cloud.call(verb, f"{base}/{path}", headers=named, body=body)
                return done.status

            word = {"To": "//realm1/there/AUTH_x/c1", "Key": "ours"}
            assert await put("c1", **word) == 201
            for odd in (".", "..", "%2e%2e"):
                assert await put("c3", **{**word, "To": f"//realm1/there/AUTH_x/{odd}"}) == 400
            for name in "abc":
                assert await put(f"c1/{name}") == 201
            sender, store = Sender(), cloud.cloud.services.object_store
            realms = {"REALM1": Realm("between us", "", {"THERE": "http://127.0.0.1:1/v1/"})}
            sync = Sync(cloud.cloud.database, store, realms, sender, interval=1.0)
            await sync.once()
            assert sorted(sender.sent) == [f"PUT c1/{name}" for name in "abc"]
            # What is refused is named, and keeps back neither objects nor deletions.
            sender.sent, sender.refused = [], {"a": 413}
            await put("c1/a"), await put("c1/b"), await put("c1/c", "DELETE")
            await sync.once()
            assert sorted(sender.sent) == ["DELETE c1/c", "PUT c1/a", "PUT c1/b"]
            reason = await cloud.cloud.database.read(lambda tx: module._syncs(tx, "")[0].reason)
            assert reason == "PUT a: HTTP 413"
            # A key that is not known is not known for any.
            sender.sent, sender.refused = [], dict.fromkeys("abcdefghi", 401)
            for name in "abcdefghi":
                await put(f"c1/{name}")
            await sync.once()
            assert len(sender.sent) <= module.AT_ONCE
            # Once the time is over nothing else is begun.
            sender.sent, sender.refused, sender.takes = [], {}, 301.0
            clock = SimpleNamespace(monotonic=lambda: sender.now, time=time.time)
            monkeypatch.setattr(module, "time", clock)
            monkeypatch.setattr(module, "AT_ONCE", 1)
            await sync.once()
            assert len([each for each in sender.sent if "c1/" in each]) == 1
            await cloud.token("admin")
            other = f"/object-store/v1/AUTH_{cloud.projects['admin']}/c2"
            named = {
                "X-Container-Sync-To": "//realm1/there/AUTH_x/c2",
                "X-Container-Sync-Key": "ours",
            }
            for path in (other, f"{other}/o"):
                body = b"x" if path != other else b""
                done = await cloud.call("PUT", path, as_="admin", headers=named, body=body)
                assert done.status == 201
            monkeypatch.setattr(module, "LONGEST", 1e6)
            await sync.once()
            assert "PUT c2/o" in sender.sent and len(set(sender.sent)) == 10

    asyncio.run(main())
