"""Shares as Manila's own client sees them, in the newest version that it knows."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from manilaclient import client
from manilaclient import exceptions as refused

from tests.support.served import ServedCloud, served_cloud

VERSION = "2.98"


def manila(cloud: ServedCloud, user: str) -> Any:
    return client.Client(VERSION, session=cloud.session(user), service_type="shared-file-system")


def until(read: Callable[[], Any], accept: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 30
    while not accept(found := read()):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def made(manager: Any, id: str) -> Any:
    return until(lambda: manager.get(id), lambda each: each.status == "available")


def gone(manager: Any, id: str) -> None:
    def read() -> bool:
        try:
            manager.get(id)
        except refused.NotFound:
            return True
        return False

    until(read, bool)


def place(cloud: ServedCloud) -> dict[str, str]:
    session = cloud.session("demo")
    url = f"{cloud.url}/network/v2.0/networks?name=private"
    [net] = session.get(url).json()["networks"]
    return {"neutron_net_id": net["id"], "neutron_subnet_id": net["subnets"][0]}


def test_the_client_of_manila(tmp_path: Path) -> None:
    with served_cloud(tmp_path / "data") as cloud:
        demo, admin = manila(cloud, "demo"), manila(cloud, "admin")
        specs = {"snapshot_support": True, "create_share_from_snapshot_support": True,
                 "revert_to_snapshot_support": True, "mount_snapshot_support": True}  # fmt: skip
        kind = admin.share_types.create("wide", True, extra_specs=specs)
        kind.set_keys({"cumulo:note": "x"})
        assert kind.get_keys(prefer_resource_data=False)["cumulo:note"] == "x"
        here = demo.share_networks.create(name="here", **place(cloud))
        assert [each.id for each in demo.share_networks.list()] == [here.id]
        people = demo.security_services.create("ldap", name="people")
        demo.share_networks.add_security_service(here, people)
        demo.share_networks.remove_security_service(here, people)
        people.delete()

        share = made(demo.shares, demo.shares.create(
            "NFS", 2, name="data", share_network=here.id, share_type="wide",
            metadata={"a": "b"}).id)  # fmt: skip
        demo.shares.set_metadata(share, {"c": "d"})
        demo.shares.delete_metadata(share, ["a"])
        assert demo.shares.get_metadata(share)._info == {"c": "d"}
        [path] = demo.share_export_locations.list(share)
        assert path.preferred and path.path.endswith(f"/shares/{share.id}")
        assert [each.id for each in demo.shares.list(search_opts={"metadata": {"c": "d"}})]

        rules(demo, share)
        demo.shares.extend(share, 3)
        assert made(demo.shares, share.id).size == 3
        demo.shares.shrink(share, 1)
        assert made(demo.shares, share.id).size == 1
        with pytest.raises(refused.BadRequest):
            demo.shares.extend(share, 1)
        snapshots(demo, share)

        lock = demo.resource_locks.create(share.id, "share", "delete", "keep")
        with pytest.raises(refused.Forbidden):
            demo.shares.delete(share)
        lock.delete()
        demo.shares.soft_delete(share)
        assert [each.id for each in demo.shares.list(search_opts={"is_soft_deleted": True})] == [
            share.id
        ]
        demo.shares.restore(share)
        assert {each.binary for each in admin.services.list()} == {"manila-scheduler",
                                                                  "manila-share"}  # fmt: skip
        [instance] = admin.share_instances.list()
        assert instance.share_id == share.id
        [server] = admin.share_servers.list()
        assert server.share_network_id == here.id
        [pool] = admin.pools.list(detailed=True)
        assert pool.capabilities["revert_to_snapshot_support"] is True
        assert demo.quotas.get(cloud.session("demo").get_project_id(), detail=True).shares == {
            "limit": 50, "in_use": 1, "reserved": 0}  # fmt: skip
        assert demo.share_replicas.list() == [] and demo.share_groups.list() == []
        demo.shares.delete(share)
        gone(demo.shares, share.id)
        here.delete()
        gone(demo.share_networks, here.id)


def rules(demo: Any, share: Any) -> None:
    made = demo.shares.allow(share, "ip", "10.0.0.0/24", "ro", {"for": "all"})
    id = made.to_dict()["id"] if hasattr(made, "to_dict") else made["id"]

    def states() -> list[str]:
        return [rule.state for rule in demo.share_access_rules.access_list(share)]

    until(states, lambda found: found == ["active"])
    demo.share_access_rules.set_access_level(demo.share_access_rules.get(id), "rw")
    until(states, lambda found: found == ["active"])
    assert demo.share_access_rules.get(id).access_level == "rw"
    demo.shares.deny(share, id)
    until(states, lambda found: found == [])


def snapshots(demo: Any, share: Any) -> None:
    shot = made(demo.share_snapshots, demo.share_snapshots.create(share, name="s").id)
    demo.share_snapshots.allow(shot, "ip", "10.0.0.9")
    until(lambda: [rule.state for rule in demo.share_snapshots.access_list(shot)],
          lambda found: found == ["active"])  # fmt: skip
    [path] = demo.share_snapshot_export_locations.list(snapshot=shot)
    assert path.path.endswith(f"/snapshots/{shot.id}")
    demo.shares.revert_to_snapshot(share, shot)
    made(demo.shares, share.id)
    shot.delete()
    gone(demo.share_snapshots, shot.id)
