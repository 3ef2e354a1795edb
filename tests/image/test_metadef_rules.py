"""Limits of metadata definitions, and who may do what when an operator lets projects have their
own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.support.cloud import running_cloud

ROOT = "/image/v2/metadefs/namespaces"
OPEN = """
metadef_admin: ""
get_metadef_tag: "role:admin"
"""


def test_projects_with_namespaces_of_their_own(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "policy").mkdir()
        (tmp_path / "policy" / "image.yaml").write_text(OPEN)
        async with running_cloud(tmp_path) as cloud:

            async def ask(method: str, path: str, status: int, wish: object = None) -> None:
                answer = await cloud.call(method, ROOT + path, as_="demo", json_=wish)
                assert answer.status == status, (method, path, answer)

            await ask("POST", "", 201, {"namespace": "Mine", "tags": [{"name": "red"}]})
            await ask("GET", "/Mine", 200)
            await ask("POST", "/Mine/objects", 201, {"name": "O"})
            await ask("PUT", "/Mine", 200, {"namespace": "Mine", "visibility": "public"})
            # One rule for reading a tag, one for each kind of what there is.
            await ask("GET", "/Mine/tags/red", 403)
            await ask("GET", "/Mine/tags", 200)
            # For others, and of others, not even with these rules.
            other = cloud.projects.get("admin", "nobody")
            await ask("POST", "", 403, {"namespace": "Theirs", "owner": other})
            await ask("PUT", "/Mine", 403, {"namespace": "Mine", "owner": other})
            theirs = "/OS::Compute::CPUMode"
            await ask("GET", theirs, 200)
            await ask("PUT", theirs, 403, {"namespace": "OS::Compute::CPUMode"})
            await ask("DELETE", theirs, 403)
            await ask("POST", f"{theirs}/objects", 403, {"name": "O"})
            await ask("DELETE", f"{theirs}/properties", 403)
            await ask("POST", f"{theirs}/tags/red", 403)
            await ask("DELETE", f"{theirs}/resource_types/OS::Nova::Flavor", 403)
            await ask("POST", f"{theirs}/resource_types", 403, {"name": "X"})
            await ask("DELETE", "/Mine", 204)

    asyncio.run(main())


def test_readers_only(tmp_path: Path) -> None:
    """Reading needs the role of a reader in the project whose private namespace it is."""

    async def main() -> None:
        (tmp_path / "policy").mkdir()
        (tmp_path / "policy" / "image.yaml").write_text('get_metadef_namespaces: "!"\n')
        async with running_cloud(tmp_path) as cloud:
            assert (await cloud.call("GET", ROOT)).status == 403
            one = f"{ROOT}/OS::Compute::TPM"
            assert (await cloud.call("GET", one)).status == 200

    asyncio.run(main())


def test_lengths(tmp_path: Path) -> None:
    """What just fits is taken, a character more is not."""

    def parts(size: int) -> list[tuple[str, dict[str, object]]]:
        name = "é" * size
        return [
            ("/N/objects", {"name": name}),
            ("/N/properties", {"name": name, "title": "T", "type": "string"}),
            ("/N/tags", {"tags": [{"name": name}]}),
            (f"/N/tags/{'x' * size}", {}),
            ("/N/resource_types", {"name": name}),
        ]

    cases: list[tuple[int, Callable[[int], list[tuple[str, dict[str, object]]]]]] = [
        (255, parts),
        (80, lambda size: [("", {"namespace": "n" * size})]),
        (80, lambda size: [("", {"namespace": "D", "display_name": "n" * size})]),
        (500, lambda size: [("", {"namespace": "E", "description": "n" * size})]),
        (255, lambda size: [("", {"namespace": "F", "owner": "n" * size})]),
        (80, lambda size: [("/N/resource_types", {"name": "p", "prefix": "n" * size})]),
        (80, lambda size: [("/N/resource_types", {"name": "t", "properties_target": "n" * size})]),
    ]

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.call("POST", ROOT, as_="admin", json_={"namespace": "N"})
            for most, make in cases:
                for size, status in ((most + 1, 400), (most, 201)):
                    for path, wish in make(size):
                        answer = await cloud.call("POST", ROOT + path, as_="admin", json_=wish)
                        assert answer.status == status, (size, path, answer)

    asyncio.run(main())
