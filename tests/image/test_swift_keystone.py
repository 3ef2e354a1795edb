"""The Swift store's way in: a token and an endpoint of a real keystone API (our own), and a new
token when the store does not know the old one. With a real Swift server, an image's whole life."""

import asyncio
import time
from pathlib import Path

import pytest

from cumulo.image.drivers.swift import SwiftDriver, SwiftOptions
from tests.crash.control_plane import ControlPlane
from tests.support.served import ServedCloud, served_cloud
from tests.support.stores import object_store, swift_server
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
            # The cloud's own region has its own object store.
            session.post(f"{v3}/regions", json={"region": {"id": "Other"}})
            wish = {
                "service_id": service,
                "interface": "public",
                "region_id": "Other",
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
            region="Other",
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


@pytest.mark.stores
def test_an_image_in_swift_with_our_own_tokens(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "cloud", settings='[image.stores.file]\ntype = "file"\n')
    cloud = ServedCloud(plane.data_dir, f"http://127.0.0.1:{plane.port}")
    images, content = "/image/v2/images", bytes(range(256)) * 12_000
    plane.start()
    try:
        plane.ask("GET", images)
        (tmp_path / "swift").mkdir()
        with swift_server(tmp_path / "swift", cloud) as url:
            object_store(cloud, url)
            plane.stop()
            with (plane.data_dir / "cumulo.toml").open("a") as file:
                file.write(
                    f'[image.stores.objects]\ntype = "swift"\nauth_url = "{cloud.auth_url}"\n'
                    f'user = "demo"\nkey = "{cloud.password("demo")}"\nproject = "demo"\n'
                    f'segment_mib = 1\n[image]\ndefault_store = "objects"\n'
                )
            plane.start()
            wish = {"name": "x", "disk_format": "raw", "container_format": "bare"}
            image = plane.ask("POST", images, wish)["id"]
            plane.ask("PUT", f"{images}/{image}/file", content)
            seen = plane.ask("GET", f"{images}/{image}")
            assert (seen["status"], seen["stores"]) == ("active", "objects")
            assert plane.ask("GET", f"{images}/{image}/file") == content

            objects = cloud.session("demo")
            project = objects.get_project_id()

            def listed(container: str) -> list[str]:
                answer = objects.get(f"{url}/v1/AUTH_{project}/{container}")
                return str(answer.text).split()

            assert listed("images") == [image]
            assert len(listed("images_segments")) == 3
            # Another project's token does not open the container.
            other = cloud.session("admin").get(
                f"{url}/v1/AUTH_{project}/images", raise_exc=False, headers={}
            )
            assert other.status_code == 403
            plane.ask("DELETE", f"{images}/{image}")
            end = time.monotonic() + 30
            while listed("images") or listed("images_segments"):
                assert time.monotonic() < end, "it is not removed"
                time.sleep(0.1)
    finally:
        plane.stop()
