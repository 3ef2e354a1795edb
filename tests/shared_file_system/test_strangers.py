"""What was somebody's right once, what only administrators may write or ask for, and locks that
somebody would go around: in one cloud."""

import asyncio
from pathlib import Path
from typing import Any

from tests.shared_file_system.support import Tenant, place
from tests.support.cloud import TestCloud, running_cloud
from tests.support.projects import second_project

AFFINITY = "__affinity_same_host"


async def a_right_that_ended_plugs_nothing_in(cloud: TestCloud, alice: Tenant) -> None:
    """A subnet was mallory's to use when she named it, and is not when the export server comes."""
    mallory, admin = Tenant(cloud, "mallory"), Tenant(cloud, "admin")
    where = await place(cloud)
    network = f"/network/v2.0/networks/{where['neutron_net_id']}"

    async def shared(wanted: bool) -> None:
        body = {"network": {"shared": wanted}}
        assert (await cloud.call("PUT", network, as_="admin", json_=body)).status == 200

    await shared(True)
    here = await mallory.make("share-networks", "share_network", **where)
    shown = (await mallory.ask("GET", f"share-networks/{here}")).json["share_network"]
    assert shown["share_network_subnets"][0]["cidr"]
    await shared(False)
    wish = {"share": {"share_proto": "NFS", "size": 1, "share_network_id": here}}
    for who in (mallory, admin):
        assert (await who.ask("POST", "shares", wish)).status == 400
    # What an administrator has said for her holds.
    theirs = await admin.make("share-networks", "share_network", **where)
    specs = {"driver_handles_share_servers": "False", "cumulo:share_network": theirs}
    await admin.make("types", "share_type", name="offered", extra_specs=specs)
    await mallory.share(None, share_type="offered")


async def an_export_server_s_port_is_no_tenant_s(cloud: TestCloud, alice: Tenant) -> None:
    where = await place(cloud)
    here = await alice.make("share-networks", "share_network", **where)
    await alice.share(here)
    query = f"network_id={where['neutron_net_id']}&device_owner=manila:share"
    found = await cloud.call("GET", f"/network/v2.0/ports?{query}", as_="admin")
    assert found.json["ports"]
    for as_ in ("demo", "mallory"):
        for port in found.json["ports"]:
            path = f"/network/v2.0/ports/{port['id']}"
            gone = await cloud.call("DELETE", path, as_=as_)
            assert gone.status in (403, 404, 409), (as_, gone.raw)
            for change in ({"device_id": "mine"}, {"mac_address": "fa:16:3e:00:00:01"},
                           {"admin_state_up": False}):  # fmt: skip
                answer = await cloud.call("PUT", path, as_=as_, json_={"port": change})
                assert answer.status in (400, 403, 404, 409), (as_, change, answer.raw)


async def what_schedulers_write_is_not_the_tenant_s(cloud: TestCloud, alice: Tenant) -> None:
    admin = Tenant(cloud, "admin")
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    first = await alice.share(here)
    hints = {"same_host": first}
    second = await alice.share(here, scheduler_hints=hints, metadata={"my": "own"})

    async def metadata(id: str) -> Any:
        return (await alice.ask("GET", f"shares/{id}/metadata")).json["metadata"]

    assert await metadata(first) == {AFFINITY: second}
    assert await metadata(second) == {AFFINITY: first, "my": "own"}
    path = f"shares/{first}/metadata"
    forged = {"metadata": {AFFINITY: "elsewhere"}}
    for method in ("POST", "PUT"):
        assert (await alice.ask(method, path, forged)).status == 403
    one = {"meta": {AFFINITY: "elsewhere"}}
    assert (await alice.ask("PUT", f"{path}/{AFFINITY}", one)).status == 403
    assert (await alice.ask("DELETE", f"{path}/{AFFINITY}")).status == 403
    wish = {"share_proto": "NFS", "size": 1, "share_network_id": here, **forged}
    assert (await alice.ask("POST", "shares", {"share": wish})).status == 403
    # All is replaced but that.
    assert (await alice.ask("PUT", path, {"metadata": {"a": "b"}})).status == 200
    assert await metadata(first) == {AFFINITY: second, "a": "b"}
    assert (await admin.ask("PUT", path, forged)).status == 200
    assert (await admin.ask("DELETE", f"{path}/{AFFINITY}")).status == 200
    assert await metadata(first) == {}
    # What is gone is named nowhere.
    third = await alice.share(here, scheduler_hints={"same_host": second})
    assert await metadata(second) == {AFFINITY: f"{first},{third}", "my": "own"}
    assert (await alice.ask("DELETE", f"shares/{third}")).status == 202
    for _ in range(500):
        if await metadata(second) == {AFFINITY: first, "my": "own"}:
            break
        await asyncio.sleep(0.01)
    assert await metadata(second) == {AFFINITY: first, "my": "own"}
    # Which of a share's locations is the good one says the cloud.
    [place_] = (await alice.ask("GET", f"shares/{second}/export_locations")).json[
        "export_locations"
    ]
    path = f"shares/{second}/export_locations/{place_['id']}/metadata"
    assert (await alice.ask("POST", path, {"metadata": {"preferred": "false"}})).status == 403
    assert (await alice.ask("POST", path, {"metadata": {"rack": "7"}})).status == 200


async def hints_name_shares_of_one_s_own(cloud: TestCloud, alice: Tenant) -> None:
    """What is public is to be seen, and not to be stood beside."""
    mallory, admin = Tenant(cloud, "mallory"), Tenant(cloud, "admin")
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    share = await alice.share(here)
    public = {"share": {"is_public": True}}
    assert (await admin.ask("PUT", f"shares/{share}", public)).status == 200
    assert (await mallory.ask("GET", f"shares/{share}")).status == 200
    for hint in ("same_host", "different_host"):
        wish = {"share_proto": "NFS", "size": 1, "share_type": "offered",
                "scheduler_hints": {hint: share}}  # fmt: skip
        assert (await mallory.ask("POST", "shares", {"share": wish})).status == 404
    for action in ({"allow_access": {"access_type": "ip", "access_to": "10.0.0.3"}},
                   {"extend": {"new_size": 2}}, {"soft_delete": None}):  # fmt: skip
        assert await mallory.act(f"shares/{share}", **action) == 403, action
    for path in ("metadata", "export_locations"):
        assert (await mallory.ask("POST", f"shares/{share}/{path}", {"metadata": {}})).status >= 400
    assert (await mallory.ask("POST", "snapshots", {"snapshot": {"share_id": share}})).status == 403
    lock = {"resource_lock": {"resource_id": share, "resource_type": "share"}}
    assert (await mallory.ask("POST", "resource-locks", lock)).status == 400


async def secret_specs_are_not_guessed(cloud: TestCloud, alice: Tenant) -> None:
    """A filter by what tenants do not see of a type finds nothing, right or wrong."""
    admin = Tenant(cloud, "admin")
    share = await alice.share(None, share_type="offered")
    shown = (await admin.ask("GET", "types")).json["share_types"]
    [secret] = [kind["extra_specs"]["cumulo:share_network"] for kind in shown
                if kind["name"] == "offered"]  # fmt: skip
    query = "extra_specs={'cumulo:share_network': '" + secret + "'}"
    assert (await alice.ask("GET", f"types?{query}")).json["share_types"] == []
    assert (await alice.ask("GET", f"shares?{query}")).json["shares"] == []
    found = (await admin.ask("GET", f"shares?all_tenants=1&{query}")).json["shares"]
    assert share in [each["id"] for each in found]
    query = "extra_specs={'driver_handles_share_servers': 'False'}"
    found = (await alice.ask("GET", f"shares?{query}")).json["shares"]
    assert share in [each["id"] for each in found]


async def a_lock_holds_what_is_given_away(cloud: TestCloud, alice: Tenant) -> None:
    """Who gives a share to another project of theirs has not gone around its lock."""
    admin, mallory = Tenant(cloud, "admin"), Tenant(cloud, "mallory")
    share = await alice.share(None, share_type="offered")
    allow = {"access_type": "ip", "access_to": "10.0.0.9"}
    rule = await alice.ask("POST", f"shares/{share}/action", {"allow_access": allow})
    access = rule.json["access"]["id"]
    give = {"transfer": {"share_id": share}}
    for kind, id in (("share", share), ("access_rule", access)):
        lock = await admin.make("resource-locks", "resource_lock", resource_id=id,
                                resource_type=kind)  # fmt: skip
        assert (await alice.ask("POST", "share-transfers", give)).status == 400, kind
        assert (await admin.ask("DELETE", f"resource-locks/{lock}")).status == 204
    # One that is locked on its way stays.
    given = (await alice.ask("POST", "share-transfers", give)).json["transfer"]
    await alice.until(f"shares/{share}", "share", "awaiting_transfer")
    for action in ({"extend": {"new_size": 2}}, {"allow_access": allow}, {"soft_delete": None}):
        assert await alice.act(f"shares/{share}", **action) in (400, 403), action
    assert (await alice.ask("DELETE", f"shares/{share}")).status == 403
    lock = await admin.make("resource-locks", "resource_lock", resource_id=share,
                            resource_type="share")  # fmt: skip
    accept = {"accept": {"auth_key": given["auth_key"], "clear_access_rules": True}}
    path = f"share-transfers/{given['id']}/accept"
    assert (await mallory.ask("POST", path, accept)).status == 400
    assert (await admin.ask("DELETE", f"resource-locks/{lock}")).status == 204
    assert (await mallory.ask("POST", path, accept)).status == 202
    await mallory.until(f"shares/{share}", "share", "available")
    assert (await alice.ask("GET", f"shares/{share}")).status == 404
    # Of one that is not given away after all nothing is left.
    given = await mallory.make("share-transfers", "transfer", share_id=share)
    assert (await mallory.ask("DELETE", f"share-transfers/{given}")).status == 200
    await mallory.until(f"shares/{share}", "share", "available")


async def what_is_hidden_is_in_no_event(cloud: TestCloud, alice: Tenant) -> None:
    """Whoever follows the project's events reads of a hidden rule no more than others."""
    share = await alice.share(None, share_type="offered")
    allow = {"access_type": "ip", "access_to": "10.99.0.7", "lock_visibility": True}
    rule = await alice.ask("POST", f"shares/{share}/action", {"allow_access": allow})
    access = rule.json["access"]["id"]
    change = {"update_access": {"access_level": "ro"}}
    assert (await alice.ask("PUT", f"share-access-rules/{access}", change)).status == 200
    assert await alice.act(f"shares/{share}", deny_access={"access_id": access}) == 202
    story = await cloud.call("GET", f"/cumulo/why/{share}", as_="admin")
    assert story.status == 200 and b"share.access.deny" in story.raw
    assert b"10.99.0.7" not in story.raw


async def nothing_is_without_end(cloud: TestCloud, alice: Tenant) -> None:
    long = {"neutron_net_id": "x" * 300, "neutron_subnet_id": "y" * 300}
    answer = await alice.ask("POST", "share-networks", {"share_network": long})
    assert answer.status == 400
    wish = {"security_service": {"type": "ldap"}}
    for _ in range(1001):
        answer = await alice.ask("POST", "security-services", wish)
        if answer.status != 200:
            break
    assert answer.status == 400
    path = f"/share/v2/{cloud.projects['mallory']}/shares"
    assert (await cloud.call("GET", path, as_="demo")).status in (400, 403, 404)
    for name in ("size", "offset", "limit"):
        for number in ("9" * 30, "-1", "x"):
            await alice.ask("GET", f"shares?{name}={number}")


def test_strangers(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await second_project(cloud, "mallory")
            alice = Tenant(cloud, "demo")
            await a_right_that_ended_plugs_nothing_in(cloud, alice)
            await an_export_server_s_port_is_no_tenant_s(cloud, alice)
            await what_schedulers_write_is_not_the_tenant_s(cloud, alice)
            await hints_name_shares_of_one_s_own(cloud, alice)
            await secret_specs_are_not_guessed(cloud, alice)
            await a_lock_holds_what_is_given_away(cloud, alice)
            await what_is_hidden_is_in_no_event(cloud, alice)
            await nothing_is_without_end(cloud, alice)

    asyncio.run(main())
