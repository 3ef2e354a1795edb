"""Whoever asks for no type gets the one that the settings name."""

import asyncio
from pathlib import Path

from tests.shared_file_system.support import Tenant, place
from tests.support.cloud import running_cloud


async def run(folder: Path) -> None:
    own = {"default_share_type": "flat"}
    async with running_cloud(folder, shared_file_system=own) as cloud:
        demo, admin = Tenant(cloud, "demo"), Tenant(cloud, "admin")
        wish = {"share": {"share_proto": "NFS", "size": 1}}
        refused = await demo.ask("POST", "shares", wish)
        assert refused.status == 404 and "flat" in refused.raw.decode()
        assert (await demo.ask("GET", "types/default")).status == 404
        there = await admin.make("share-networks", "share_network", **await place(cloud))
        specs = {"driver_handles_share_servers": "False", "cumulo:share_network": there}
        flat = await admin.make("types", "share_type", name="flat", extra_specs=specs)
        assert (await demo.ask("GET", "types/default")).json["share_type"]["id"] == flat
        listed = (await demo.ask("GET", "types")).json["share_types"]
        assert {t["name"]: t["is_default"] for t in listed} == {"default": False, "flat": True}
        share = await demo.share(None)
        made = (await demo.ask("GET", f"shares/{share}")).json["share"]
        assert made["share_type_name"] == "flat" and made["share_network_id"] in (None, there)
        assert (await admin.ask("DELETE", f"types/{flat}")).status == 400


def test_the_default_type_is_the_operators_choice(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path))
