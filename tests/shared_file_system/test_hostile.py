"""What one tenant must not do to another, what no number and no name may do, quotas that many ask
for at once, and what ends by its time: in one cloud."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.shared_file_system.agent import SharesAgent
from cumulo.shared_file_system.drivers.fake import FakeDriver, Fault
from cumulo.shared_file_system.model.message import MessageRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.transfer import TransferRow
from cumulo.shared_file_system.reconcile import Expired
from tests.shared_file_system.support import BASE, NEWEST, Tenant, place
from tests.support.cloud import TestCloud, running_cloud
from tests.support.projects import second_project

HUGE = (0, -1, 2**63, 2**64, 10**40, "9" * 400, 1.5, "x", [], {}, None)


async def nobody_reaches_what_is_not_theirs(cloud: TestCloud) -> None:
    await second_project(cloud, "mallory")
    alice, mallory = Tenant(cloud, "demo"), Tenant(cloud, "mallory")
    admin = Tenant(cloud, "admin")
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    share = await alice.share(here)
    snapshot = await alice.make("snapshots", "snapshot", share_id=share)
    await alice.until(f"snapshots/{snapshot}", "snapshot", "available")
    service = await alice.make("security-services", "security_service", type="ldap")
    lock = await alice.make("resource-locks", "resource_lock", resource_id=share,
                            resource_type="share")  # fmt: skip
    allow = {"access_type": "ip", "access_to": "10.0.0.9"}
    rule = await alice.ask("POST", f"shares/{share}/action", {"allow_access": allow})
    access = rule.json["access"]["id"]
    specs = {"driver_handles_share_servers": "True"}
    secret = await admin.make("types", "share_type", name="secret", extra_specs=specs,
                              **{"share_type_access:is_public": False})  # fmt: skip

    # None of it is there for anybody else: to see, to change, to name in something else.
    for path in (f"shares/{share}",
                 f"shares/{share}/metadata", f"snapshots/{snapshot}",
                 f"snapshots/{snapshot}/export-locations", f"share-networks/{here}",
                 f"share-networks/{here}/subnets", f"security-services/{service}",
                 f"resource-locks/{lock}", f"share-access-rules/{access}",
                 f"types/{secret}"):  # fmt: skip
        assert (await mallory.ask("GET", path)).status == 404, path
    places = f"shares/{share}/export_locations"
    assert (await mallory.ask("GET", places)).status == 403
    for path in (f"shares/{share}", f"snapshots/{snapshot}", f"share-networks/{here}",
                 f"security-services/{service}", f"resource-locks/{lock}"):  # fmt: skip
        assert (await mallory.ask("DELETE", path)).status == 404, path
    for action in ({"extend": {"new_size": 2}}, {"shrink": {"new_size": 1}},
                   {"soft_delete": None}, {"revert": {"snapshot_id": snapshot}},
                   {"deny_access": {"access_id": access}},
                   {"allow_access": allow}):  # fmt: skip
        assert await mallory.act(f"shares/{share}", **action) == 404, action

    mine = await mallory.make("share-networks", "share_network")
    theirs: list[tuple[str, Any]] = [
        ("shares", {"share": {"share_proto": "NFS", "size": 1, "share_network_id": here}}),
        ("shares", {"share": {"share_proto": "NFS", "snapshot_id": snapshot}}),
        ("shares", {"share": {"share_proto": "NFS", "size": 1, "share_type": "secret",
                              "share_network_id": mine}}),
        ("shares", {"share": {"share_proto": "NFS", "size": 1, "share_network_id": mine,
                              "scheduler_hints": {"same_host": share}}}),
        ("snapshots", {"snapshot": {"share_id": share}}),
        ("resource-locks", {"resource_lock": {"resource_id": share,
                                              "resource_type": "share"}}),
        ("resource-locks", {"resource_lock": {"resource_id": access,
                                              "resource_type": "access_rule"}}),
        ("share-transfers", {"transfer": {"share_id": share}}),
        (f"share-networks/{mine}/action",
         {"add_security_service": {"security_service_id": service}}),
    ]  # fmt: skip
    for path, body in theirs:
        assert (await mallory.ask("POST", path, body)).status in (400, 404), body
    assert (await mallory.ask("GET", f"share-access-rules?share_id={share}")).status == 400

    # A claim on another's subnet is not believed, not even when an administrator uses it.
    claim = await mallory.make("share-networks", "share_network", **await place(cloud))
    wish = {"share": {"share_proto": "NFS", "size": 1, "share_network_id": claim}}
    assert (await mallory.ask("POST", "shares", wish)).status == 400
    assert (await admin.ask("POST", "shares", wish)).status == 400
    # Nor is a security service attached over projects by one.
    attach = {"add_security_service": {"security_service_id": service}}
    assert await admin.act(f"share-networks/{claim}", **attach) == 404

    # Lists say nothing of it, whatever is asked for.
    for path in ("shares", "snapshots", "share-networks", "security-services",
                 "resource-locks", "messages", "share-transfers"):  # fmt: skip
        for query in ("", "?all_tenants=1", f"?project_id={cloud.projects['demo']}"):
            answer = await mallory.ask("GET", path + query)
            if answer.status == 403:
                continue
            [found] = [v for v in answer.json.values() if isinstance(v, list)]
            assert not {each["id"] for each in found} & {share, snapshot, here, service,
                                                         lock}, path  # fmt: skip


async def no_number_and_no_address_breaks_it(cloud: TestCloud) -> None:
    alice, admin = Tenant(cloud, "demo"), Tenant(cloud, "admin")
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    share = await alice.share(here)
    for number in HUGE:
        wish = {"share_proto": "NFS", "size": number, "share_network_id": here}
        answer = await alice.ask("POST", "shares", {"share": wish})
        assert answer.status in (400, 413), number
        for action in ("extend", "shrink"):
            status = await alice.act(f"shares/{share}", **{action: {"new_size": number}})
            assert status in (400, 403), (action, number)
        if number not in (0, -1):
            project = cloud.projects["demo"]
            body = {"quota_set": {"shares": number}}
            answer = await admin.ask("PUT", f"quota-sets/{project}", body)
            assert answer.status == 400, number
    # Rules may overlap; the narrower one counts. All the world is one, too.
    for to in ("10.0.0.0/24", "10.0.0.7", "0.0.0.0/0", "::/0", "fd00::/64"):
        allow = {"access_type": "ip", "access_to": to}
        assert await alice.act(f"shares/{share}", allow_access=allow) == 200, to
    # A network with a host's bits is none: which of the two was meant is not guessed.
    for to in (
        "10.0.0.9/24",
        "fd00::1/64",
        "10.0.0.0/33",
        "0.0.0.0/",
        "/0",
        "10.0.0.7/32",
        "::/129",
        "0/0",
        "\x00",
    ):
        allow = {"access_type": "ip", "access_to": to}
        assert await alice.act(f"shares/{share}", allow_access=allow) == 400, to
    # A name is no path.
    for name in ("../../etc", "a/b", "", " ", "\u202e", "x" * 255):
        answer = await alice.ask("PUT", f"shares/{share}", {"share": {"name": name}})
        assert answer.status == 200, name
    assert (await alice.ask("PUT", f"shares/{share}",
                            {"share": {"name": "x" * 256}})).status == 400  # fmt: skip


async def a_quota_is_not_passed_by_many_at_once(cloud: TestCloud) -> None:
    alice, admin = Tenant(cloud, "demo"), Tenant(cloud, "admin")
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    project = cloud.projects["demo"]
    limits = {"shares": 6, "gigabytes": 5}
    for query, values in (("", limits), ("?share_type=default", {"shares": 4})):
        body = {"quota_set": values}
        assert (await admin.ask("PUT", f"quota-sets/{project}{query}", body)).status == 200

    wish = {"share": {"share_proto": "NFS", "size": 1, "share_network_id": here}}
    answers = await asyncio.gather(*(alice.ask("POST", "shares", wish) for _ in range(12)))
    made = [answer.json["share"]["id"] for answer in answers if answer.status == 200]
    assert len(made) == 4
    assert {answer.status for answer in answers} == {200, 413}
    # What was refused has used up nothing, of the project as of the type.
    for query in ("", "?share_type=default"):
        shown = (await alice.ask("GET", f"quota-sets/{project}/detail{query}")).json
        used = {name: shown["quota_set"][name]["in_use"] for name in ("shares", "gigabytes")}
        assert used == {"shares": 4, "gigabytes": 4}, query
    for id in made:
        await alice.until(f"shares/{id}", "share", "available")
    # All want the last gigabyte.
    grown = await asyncio.gather(
        *(alice.act(f"shares/{id}", extend={"new_size": 2}) for id in made)
    )
    assert sorted(grown) == [202, 403, 403, 403]
    for query in ("", "?share_type=default"):
        assert (await admin.ask("DELETE", f"quota-sets/{project}{query}")).status == 202


async def what_its_host_cannot_do_is_said(cloud: TestCloud) -> None:
    """In the status, in a message, and nothing is counted that is not so."""
    alice, admin = Tenant(cloud, "demo"), Tenant(cloud, "admin")
    [part] = [agent.parts["shared_file_system"] for agent in cloud.cloud.agents
              if "shared_file_system" in agent.parts]  # fmt: skip
    assert isinstance(part, SharesAgent) and isinstance(part.driver, FakeDriver)
    driver, project = part.driver, cloud.projects["demo"]
    specs = dict.fromkeys(("driver_handles_share_servers", "snapshot_support",
                           "revert_to_snapshot_support"), "True")  # fmt: skip
    await admin.make("types", "share_type", name="back", extra_specs=specs)
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    share = await alice.share(here, size=3, share_type="back")

    async def used() -> int:
        shown = await alice.ask("GET", f"quota-sets/{project}/detail?share_type=back")
        return int(shown.json["quota_set"]["gigabytes"]["in_use"])

    async def why() -> set[tuple[str, str]]:
        found = (await alice.ask("GET", f"messages?resource_id={share}")).json["messages"]
        return {(each["action_id"], each["detail_id"]) for each in found}

    async def again() -> None:
        assert await admin.act(f"shares/{share}", reset_status={"status": "available"}) == 202
        await alice.until(f"shares/{share}", "share", "available")

    # More is in it than it shall hold: it stays as it is, and whom it is opened to is as asked.
    driver.state.used[share] = 2
    allow = {"access_type": "ip", "access_to": "10.0.0.7"}
    assert await alice.act(f"shares/{share}", allow_access=allow) == 200
    assert await alice.act(f"shares/{share}", shrink={"new_size": 1}) == 202
    await alice.until(f"shares/{share}", "share", "shrinking_possible_data_loss_error")
    assert (await why(), await used(), driver.state.shares[share]) == ({("009", "018")}, 3, 3)
    [rule] = (await alice.ask("GET", f"share-access-rules?share_id={share}")).json["access_list"]
    assert rule["state"] == "active"
    await again()
    del driver.state.used[share]
    assert await alice.act(f"shares/{share}", shrink={"new_size": 1}) == 202
    await alice.until(f"shares/{share}", "share", "available")
    assert (await used(), driver.state.shares[share]) == (1, 1)

    snapshot = await alice.make("snapshots", "snapshot", share_id=share)
    await alice.until(f"snapshots/{snapshot}", "snapshot", "available")
    driver.faults["revert"] = Fault("the disk is broken", final=True)
    assert await alice.act(f"shares/{share}", revert={"snapshot_id": snapshot}) == 202
    await alice.until(f"shares/{share}", "share", "reverting_error")
    assert ("006", "025") in await why()
    del driver.faults["revert"]
    await again()
    assert share not in driver.state.reverts

    driver.faults["share"] = Fault("the disk is full", final=True)
    assert await alice.act(f"shares/{share}", extend={"new_size": 2}) == 202
    await alice.until(f"shares/{share}", "share", "extending_error")
    assert ("008", "015") in await why()
    del driver.faults["share"]
    await again()
    for _ in range(1000):
        if driver.state.shares[share] == 2:
            break
        await asyncio.sleep(0.01)
    assert (await used(), driver.state.shares[share]) == (2, 2)
    await a_removal_that_fails_is_tried_again(alice, admin, driver, snapshot)


async def why_a_host_keeps_no_shares_is_said(cloud: TestCloud) -> None:
    """To whoever looks at the cloud, and by what becomes of new shares."""
    alice = Tenant(cloud, "demo")
    here = await alice.make("share-networks", "share_network", **await place(cloud))

    def say(fault: str | None) -> Callable[[Tx], None]:
        def write(tx: Tx) -> None:
            [pool] = cloud.cloud.services.shared_file_system.pools.all(tx)
            tx.update(pool, fault=fault)

        return write

    await cloud.cloud.database.write(say("the kernel has no btrfs"))
    hosts = (await cloud.call("GET", "/cumulo/status", as_="admin")).json["hosts"]
    faults = [host["faults"]["shared_file_system"] for host in hosts if host["faults"]]
    assert faults == ["the kernel has no btrfs"]
    wish = {"share_proto": "NFS", "size": 1, "share_network_id": here}
    refused = await alice.make("shares", "share", **wish)
    shown = (await alice.ask("GET", f"shares/{refused}")).json["share"]
    assert shown["status"] == "error"
    await cloud.cloud.database.write(say(None))
    hosts = (await cloud.call("GET", "/cumulo/status", as_="admin")).json["hosts"]
    assert not any(host["faults"] for host in hosts)


async def snapshots_inherit_who_may_mount_their_share(cloud: TestCloud) -> None:
    alice, admin = Tenant(cloud, "demo"), Tenant(cloud, "admin")
    [part] = [agent.parts["shared_file_system"] for agent in cloud.cloud.agents
              if "shared_file_system" in agent.parts]  # fmt: skip
    assert isinstance(part, SharesAgent) and isinstance(part.driver, FakeDriver)
    names = ("driver_handles_share_servers", "snapshot_support", "mount_snapshot_support",
             "snapshot_inherit_share_access_support")  # fmt: skip
    await admin.make("types", "share_type", name="open", extra_specs=dict.fromkeys(names, "True"))
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    share = await alice.share(here, share_type="open")
    snapshot = await alice.make("snapshots", "snapshot", share_id=share)
    await alice.until(f"snapshots/{snapshot}", "snapshot", "available")
    allow = {"access_type": "ip", "access_to": "10.0.0.7"}
    # It has no rules of its own.
    assert await alice.act(f"snapshots/{snapshot}", allow_access=allow) == 400

    async def served_to(wanted: list[str]) -> None:
        for _ in range(1000):
            _, rules = part.driver.state.exports.get(snapshot, ("", []))
            if [rule.to for rule in rules] == wanted:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(part.driver.state.exports)

    answer = await alice.ask("POST", f"shares/{share}/action", {"allow_access": allow})
    await served_to(["10.0.0.7"])
    deny = {"access_id": answer.json["access"]["id"]}
    assert await alice.act(f"shares/{share}", deny_access=deny) == 202
    await served_to([])


async def a_removal_that_fails_is_tried_again(
    alice: Tenant, admin: Tenant, driver: FakeDriver, snapshot: str
) -> None:
    driver.faults["remove"] = Fault("it is busy")
    assert (await alice.ask("DELETE", f"snapshots/{snapshot}")).status == 202
    await alice.until(f"snapshots/{snapshot}", "snapshot", "error_deleting")
    del driver.faults["remove"]
    reset = {"status": "error_deleting"}
    assert await admin.act(f"snapshots/{snapshot}", reset_status=reset) == 202
    # It is on its way again already.
    assert (await alice.ask("DELETE", f"snapshots/{snapshot}")).status in (202, 400, 404)
    path = f"{BASE}/snapshots/{snapshot}"
    await alice.cloud.until(path, lambda answer: answer.status == 404, headers=NEWEST)


async def what_ends_by_its_time_is_gone(cloud: TestCloud) -> None:
    """The recycle bin is emptied, messages are forgotten, transfers cannot be accepted any more."""
    alice, admin = Tenant(cloud, "demo"), Tenant(cloud, "admin")
    here = await alice.make("share-networks", "share_network", **await place(cloud))
    specs = {"driver_handles_share_servers": "False", "cumulo:share_network": here}
    await admin.make("types", "share_type", name="gifts", extra_specs=specs)
    await admin.make("types", "share_type", name="odd", extra_specs=specs | {"flavour": "mint"})
    share, gift = await alice.share(here), await alice.share(None, share_type="gifts")
    assert await alice.act(f"shares/{share}", soft_delete=None) == 202
    made = await alice.ask("POST", "share-transfers", {"transfer": {"share_id": gift}})
    transfer = made.json["transfer"]
    wish = {"share_proto": "NFS", "size": 1, "share_type": "odd"}
    failed = await alice.make("shares", "share", **wish)
    [message] = (await alice.ask("GET", f"messages?resource_id={failed}")).json["messages"]

    def age(tx: Tx) -> None:
        row, words = tx.get(ShareRow, share), tx.get(MessageRow, message["id"])
        given = tx.get(TransferRow, transfer["id"])
        assert row is not None and words is not None and given is not None
        tx.update(row, delete_at=tx.now)
        tx.update(words, expires_at=tx.now)
        tx.update(given, expires_at=tx.now)

    database, service = cloud.cloud.database, cloud.cloud.services.shared_file_system
    await database.write(age)
    accept = {"accept": {"auth_key": transfer["auth_key"]}}
    answer = await admin.ask("POST", f"share-transfers/{transfer['id']}/accept", accept)
    assert answer.status == 404
    expired = Expired(database, service)
    for id in await database.read(lambda tx: expired.due(tx, 10)):
        await expired.step(id)
        await expired.step(id)
    for path in (f"shares/{share}", f"messages/{message['id']}",
                 f"share-transfers/{transfer['id']}"):  # fmt: skip
        await cloud.until(f"{BASE}/{path}", lambda a: a.status == 404, headers=NEWEST)
    assert (await alice.ask("GET", f"shares/{gift}")).json["share"]["status"] == "available"


def test_hostile(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await a_quota_is_not_passed_by_many_at_once(cloud)
            await nobody_reaches_what_is_not_theirs(cloud)
            await no_number_and_no_address_breaks_it(cloud)
            await what_ends_by_its_time_is_gone(cloud)
            await what_its_host_cannot_do_is_said(cloud)
            await why_a_host_keeps_no_shares_is_said(cloud)
            await snapshots_inherit_who_may_mount_their_share(cloud)

    asyncio.run(main())
