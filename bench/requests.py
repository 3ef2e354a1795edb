"""CPU per request of the control plane on fake drivers, beside the budget and the real services.

`real` is what the same operation costs the real services on this class of machine, measured once
(release 2026.2, two cores, everything local): milliseconds of CPU of all their processes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.process import Cloud

SERVERS = 60


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    budget_us: float | None
    real_ms: float | None
    repeat: int
    run: Callable[[Cloud, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    us: float


def prepare(cloud: Cloud) -> None:
    """A project with something in it: a network, servers, volumes, ports."""
    quota = {"quota_set": {"instances": -1, "cores": -1, "ram": -1}}
    project = cloud.json("GET", "/identity/v3/auth/projects")["projects"][0]["id"]
    cloud.json("PUT", f"/compute/v2.1/os-quota-sets/{project}", quota, user="admin")
    cloud.json(
        "PUT",
        f"/network/v2.0/quotas/{project}",
        {"quota": {"network": -1, "port": -1, "subnet": -1}},
        user="admin",
    )
    cloud.json(
        "PUT",
        f"/volume/v3/os-quota-sets/{project}",
        {"quota_set": {"volumes": -1, "gigabytes": -1}},
        user="admin",
    )
    for n in range(SERVERS):
        create_server(cloud, n)
    cloud.until(
        "/compute/v2.1/servers/detail",
        lambda found: all(s["status"] == "ACTIVE" for s in found["servers"]),
    )


def create_server(cloud: Cloud, n: int) -> str:
    image = _first(cloud, "/image/v2/images?limit=1", "images")
    flavor = _named(cloud, "/compute/v2.1/flavors", "flavors", "m1.nano")
    network = _named(cloud, "/network/v2.0/networks?name=private", "networks", "private")
    server = {
        "name": f"bench-{n}",
        "imageRef": image,
        "flavorRef": flavor,
        "networks": [{"uuid": network}],
    }
    made = cloud.json("POST", "/compute/v2.1/servers", {"server": server})
    return str(made["server"]["id"])


_KNOWN: dict[tuple[int, str], str] = {}


def _first(cloud: Cloud, path: str, collection: str) -> str:
    key = (cloud.pid, path)
    if key not in _KNOWN:
        _KNOWN[key] = cloud.json("GET", path)[collection][0]["id"]
    return _KNOWN[key]


def _named(cloud: Cloud, path: str, collection: str, name: str) -> str:
    key = (cloud.pid, path)
    if key not in _KNOWN:
        found = cloud.json("GET", path)[collection]
        _KNOWN[key] = next(item["id"] for item in found if item["name"] == name)
    return _KNOWN[key]


def _get(path: str, user: str = "demo") -> Callable[[Cloud, int], None]:
    return lambda cloud, n: cloud.json("GET", path, user=user)


def _issue(cloud: Cloud, n: int) -> None:
    status, _, _ = cloud.send("POST", "/identity/v3/auth/tokens", cloud.auth_body("demo"), None)
    assert status == 201


def _validate(cloud: Cloud, n: int) -> None:
    cloud.json("GET", "/identity/v3/auth/tokens", user="admin", X_Subject_Token=cloud.token("demo"))


def _show_server(cloud: Cloud, n: int) -> None:
    cloud.json("GET", f"/compute/v2.1/servers/{_first(cloud, '/compute/v2.1/servers', 'servers')}")


def _create_network(cloud: Cloud, n: int) -> None:
    cloud.json("POST", "/network/v2.0/networks", {"network": {"name": f"n{n}"}})


def _delete_network(cloud: Cloud, n: int) -> None:
    found = cloud.json("GET", f"/network/v2.0/networks?name=n{n}&fields=id")["networks"]
    cloud.send("DELETE", f"/network/v2.0/networks/{found[0]['id']}")


def _create_port(cloud: Cloud, n: int) -> None:
    network = _named(cloud, "/network/v2.0/networks?name=private", "networks", "private")
    cloud.json("POST", "/network/v2.0/ports", {"port": {"network_id": network}})


def _create_rule(cloud: Cloud, n: int) -> None:
    group = _first(cloud, "/network/v2.0/security-groups", "security_groups")
    rule = {
        "security_group_id": group,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 1000 + n,
        "port_range_max": 1000 + n,
    }
    cloud.json("POST", "/network/v2.0/security-group-rules", {"security_group_rule": rule})


def _server_to_active(cloud: Cloud, n: int) -> None:
    id = create_server(cloud, 10_000 + n)
    cloud.until(f"/compute/v2.1/servers/{id}", lambda f: f["server"]["status"] == "ACTIVE")


def _volume_to_available(cloud: Cloud, n: int) -> None:
    made = cloud.json("POST", "/volume/v3/volumes", {"volume": {"size": 1, "name": f"v{n}"}})
    path = f"/volume/v3/volumes/{made['volume']['id']}"
    cloud.until(path, lambda found: found["volume"]["status"] == "available")


CASES = (
    Case("token issue (password verified lately)", 300, 386, 200, _issue),
    Case("token validate", 200, 14, 300, _validate),
    Case("server show", 200, None, 300, _show_server),
    Case("flavors/detail", None, 17, 300, _get("/compute/v2.1/flavors/detail")),
    Case("image list", None, 9, 300, _get("/image/v2/images")),
    Case("servers/detail, 50", 1200, None, 100, _get("/compute/v2.1/servers/detail?limit=50")),
    Case("servers/detail, 60", None, 599, 100, _get("/compute/v2.1/servers/detail?limit=60")),
    Case("network create", 600, 121, 90, _create_network),
    Case("network delete", None, 191, 90, _delete_network),
    Case("port create", 600, 377, 100, _create_port),
    Case("port list, 160", None, 252, 50, _get("/network/v2.0/ports")),
    Case("security group rule create", 600, 195, 80, _create_rule),
    Case("volume create to available", None, 713, 50, _volume_to_available),
    Case("volumes/detail, 50", None, 61, 100, _get("/volume/v3/volumes/detail?limit=50")),
    Case("server create to ACTIVE", None, 3295, 50, _server_to_active),
)


def measure(cloud: Cloud) -> list[Result]:
    """CPU of the whole process for each operation, background work included."""
    results = []
    for case in CASES:
        for n in range(3):
            case.run(cloud, 5000 + n)
        before = cloud.cpu()
        for n in range(case.repeat):
            case.run(cloud, n)
        results.append(Result(case, (cloud.cpu() - before) / case.repeat * 1e6))
    return results


def geometric_mean(results: list[Result]) -> float:
    """How many times less CPU than the real services, over the operations both have."""
    ratios = [r.case.real_ms * 1000 / r.us for r in results if r.case.real_ms and r.us]
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
