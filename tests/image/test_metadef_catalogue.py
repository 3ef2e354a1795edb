"""The catalogue of metadata definitions: its files, and that it is loaded once."""

import asyncio
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from cumulo.core.db.statements import statement
from cumulo.identity.interface import FirstUsers
from cumulo.image.first_run import metadefs
from cumulo.image.model.metadef import CatalogueRow
from tests.support.cloud import running_cloud

FILES = sorted(metadefs.FOLDER.glob("*.yaml"))
ROOT = "/image/v2/metadefs/namespaces"
FORGET = statement(sa.delete(CatalogueRow.sql_table))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file(file: Path) -> None:
    wish = metadefs.definition(file)
    assert wish.namespace.startswith("OS::")
    assert wish.visibility == "public"
    assert wish.resource_type_associations
    properties = dict(wish.properties or {})
    for each in wish.objects or ():
        properties.update(each.properties or {})
    assert properties
    for name, schema in properties.items():
        assert schema.title and schema.description, name
        if schema.enum:
            assert len(schema.enum) == len(set(schema.enum)), name
        if schema.pattern:
            re.compile(schema.pattern)


def test_each_namespace_once() -> None:
    names = [metadefs.definition(file).namespace for file in FILES]
    assert len(names) == len(set(names)) > 15


def test_what_an_operator_did_stays(tmp_path: Path) -> None:
    """A later start loads what it never did, and nothing else."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            listed = await cloud.call("GET", ROOT, as_="admin")
            assert len(listed.json["namespaces"]) == len(FILES)
            gone, changed = "OS::Compute::Watchdog", "OS::Compute::TPM"
            for name in (gone, changed):
                wish = {"namespace": name, "visibility": "public", "description": "ours"}
                path = f"{ROOT}/{name}"
                assert (await cloud.call("PUT", path, as_="admin", json_=wish)).status == 200
            assert (await cloud.call("DELETE", f"{ROOT}/{gone}", as_="admin")).status == 204
        async with running_cloud(tmp_path) as cloud:
            assert (await cloud.call("GET", f"{ROOT}/{gone}", as_="admin")).status == 404
            kept = (await cloud.call("GET", f"{ROOT}/{changed}", as_="admin")).json
            assert kept["description"] == "ours" and kept["protected"] is False
            listed = await cloud.call("GET", ROOT, as_="admin")
            assert len(listed.json["namespaces"]) == len(FILES) - 1

    asyncio.run(main())


def test_a_namespace_made_by_hand_is_not_taken_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            name = "OS::Compute::Watchdog"
            path = f"{ROOT}/{name}"
            wish = {"namespace": name}
            assert (await cloud.call("PUT", path, as_="admin", json_=wish)).status == 200

            await cloud.cloud.database.write(lambda tx: tx.run(FORGET))
            users = cloud.cloud.frame.get(FirstUsers)
            image = cloud.cloud.services.image
            await metadefs.FirstMetadefs(cloud.cloud.database, image, users).make()
            kept = (await cloud.call("GET", path, as_="admin")).json
            assert kept["visibility"] == "private"

    asyncio.run(main())
