"""What a service's schema does not name is refused or kept, as the service has it; never silently
left out, where the service refuses it."""

import asyncio
from pathlib import Path
from typing import Any

from tests.support.cloud import running_cloud

VERSIONS = {
    "compute": {"openstack-api-version": "compute 2.64"},
    "volume": {"openstack-api-version": "volume 3.60"},
}
ID = "00000000-0000-4000-8000-000000000001"
REFUSED: list[tuple[str, str, Any]] = [
    ("POST", "/compute/v2.1/servers", {"server": {"name": "x", "flavorRef": "42", "imageRef": ID}}),
    ("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": "x"}}),
    ("POST", "/compute/v2.1/os-server-groups",
     {"server_group": {"name": "x", "policy": "affinity"}}),
    ("POST", "/compute/v2.1/flavors", {"flavor": {"name": "x", "ram": 1, "vcpus": 1, "disk": 1}}),
    ("POST", "/volume/v3/volumes", {"volume": {"size": 1}}),
    ("PUT", f"/volume/v3/volumes/{ID}", {"volume": {"name": "x"}}),
    ("POST", f"/volume/v3/volumes/{ID}/action", {"os-extend": {"new_size": 2}}),
    ("POST", f"/volume/v3/volumes/{ID}/action",
     {"os-attach": {"mountpoint": "/x", "host_name": "h"}}),
    ("POST", f"/volume/v3/volumes/{ID}/action", {"os-set_bootable": {"bootable": True}}),
    ("POST", "/volume/v3/attachments", {"attachment": {"volume_uuid": ID}}),
    ("POST", "/volume/v3/snapshots", {"snapshot": {"volume_id": ID}}),
    ("PUT", f"/volume/v3/snapshots/{ID}", {"snapshot": {"name": "x"}}),
    ("POST", "/volume/v3/types", {"volume_type": {"name": "t"}}),
    ("PUT", f"/volume/v3/types/{ID}", {"volume_type": {"name": "t"}}),
    ("POST", "/network/v2.0/networks", {"network": {"name": "x"}}),
    ("POST", "/network/v2.0/subnets",
     {"subnet": {"network_id": ID, "cidr": "10.9.0.0/24", "ip_version": 4}}),
    ("POST", "/network/v2.0/ports", {"port": {"network_id": ID}}),
    ("POST", "/network/v2.0/routers", {"router": {"name": "x"}}),
    ("POST", "/network/v2.0/security-groups", {"security_group": {"name": "x"}}),
    ("POST", "/network/v2.0/floatingips", {"floatingip": {"floating_network_id": ID}}),
    ("POST", "/placement/resource_providers", {"name": "x"}),
    ("POST", "/dns/v2/zones", {"name": "ex.org.", "email": "a@ex.org"}),
    ("POST", "/baremetal/v1/nodes", {"driver": "fake-hardware"}),
    ("POST", "/metric/v1/metric", {"archive_policy_name": "low"}),
    ("POST", "/metric/v1/archive_policy",
     {"name": "l", "definition": [{"granularity": "1s", "points": 1}]}),
    ("POST", "/alarming/v2/alarms",
     {"name": "x", "type": "gnocchi_resources_threshold", "gnocchi_resources_threshold_rule": {}}),
]  # fmt: skip
KEPT = [
    ("/identity/v3/users", {"user": {"name": "extra"}}),
    ("/identity/v3/projects", {"project": {"name": "extra"}}),
    ("/identity/v3/roles", {"role": {"name": "extra"}}),
    ("/identity/v3/regions", {"region": {"id": "extra"}}),
    ("/image/v2/images", {"name": "extra"}),
]


def test_refused_or_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            for method, path, body in REFUSED:
                headers = VERSIONS.get(path.split("/")[1], {})
                first = next(iter(body.values()))
                inner = first if isinstance(first, dict) and len(body) == 1 else body
                inner["no_such"] = "x"
                answer = await cloud.call(method, path, as_="admin", json_=body, headers=headers)
                assert answer.status == 400, (path, body, answer.raw)
                assert b"no_such" in answer.raw, (path, answer.raw)
            bootable = {"volume": {"size": 1, "bootable": True}}
            answer = await cloud.call("POST", "/volume/v3/volumes", json_=bootable)
            assert answer.status == 400
            for path, body in KEPT:
                inner = body if "name" in body else next(iter(body.values()))
                inner["no_such"] = "x"
                answer = await cloud.call("POST", path, as_="admin", json_=body)
                found = answer.json if "name" in body else next(iter(answer.json.values()))
                assert answer.status == 201 and found["no_such"] == "x", (path, answer.raw)

    asyncio.run(main())
