"""The Swift store's way in: a token and an endpoint of a real keystone API (our own), and a new
token when the store does not know the old one."""

import asyncio
from pathlib import Path

import pytest

from cumulo.image.drivers.swift import SwiftDriver, SwiftOptions
from tests.support.served import served_cloud
from tests.support.web import Asked, web


def test_tokens_and_catalog(tmp_path: Path) -> None:
    async def main() -> None:
        async with web() as store:
            with_cloud = served_cloud(tmp_path / "data")
            cloud = await asyncio.to_thread(with_cloud.__enter__)
            try:
                await story(store, cloud)
            finally:
                await asyncio.to_thread(with_cloud.__exit__, None, None, None)

    async def story(store, cloud) -> None:  # type: ignore[no-untyped-def]
        def make_endpoint() -> None:
            session = cloud.session("admin")
            v3 = cloud.auth_url
            body = {"service": {"type": "object-store", "name": "swift"}}
            service = session.post(f"{v3}/services", json=body).json()["service"]["id"]
            wish = {
                "service_id": service,
                "interface": "public",
                "region_id": "RegionOne",
                "url": f"{store.url}/v1/AUTH_x",
            }
            session.post(f"{v3}/endpoints", json={"endpoint": wish})

        await asyncio.to_thread(make_endpoint)
        tokens: list[str] = []

        def answer(asked: Asked) -> tuple[int, dict[str, str], bytes]:
            assert asked.path.startswith("/v1/AUTH_x/images?format=json")
            tokens.append(asked.headers["x-auth-token"])
            return (401, {}, b"") if len(tokens) == 1 else (200, {}, b'[{"name": "an-image"}]')

        store.answer = answer
        options = SwiftOptions(
            auth_url=cloud.auth_url,
            user="demo",
            key=cloud.password("demo"),
            project="demo",
            region="RegionOne",
        )
        assert await SwiftDriver(options).keys() == ["an-image"]
        assert len(tokens) == 2 and all(len(token) > 50 for token in tokens)
        for wrong in ({"key": "wrong"}, {"region": "elsewhere"}, {"project": "none"}):
            changed = SwiftOptions(**{**_plain(options), **wrong})
            with pytest.raises(OSError):
                await SwiftDriver(changed).keys()

    asyncio.run(main())


def _plain(options: SwiftOptions) -> dict[str, str]:
    names = ("auth_url", "user", "key", "project", "region")
    return {name: getattr(options, name) for name in names}
