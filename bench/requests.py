"""CPU per request of the control plane on fake drivers, beside the budget and the real services.
The load is made by the engine of `cumulo rally`: its client, its runner, its figures.

`real` is what the same operation costs the real services on this class of machine, measured once
(release 2026.2, two cores, everything local): milliseconds of CPU of all their processes.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.process import Cloud
from cumulo.benchmark.client.http import Http
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.load import Load
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.statistics import Statistics
from cumulo.benchmark.engine.surroundings import Surroundings
from cumulo.benchmark.model.result import Iteration
from cumulo.benchmark.registry import described

SERVERS = 60


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    budget_us: float | None
    real_ms: float | None
    repeat: int
    run: Callable[[Cloud, int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    us: float
    p99_ms: float
    """What a client waits, of a hundred times the longest but one."""


def prepare(cloud: Cloud) -> None:
    cloud.run(_prepare(cloud))


async def _prepare(cloud: Cloud) -> None:
    """A project with something in it: a network, servers, volumes, ports."""
    quota = {"quota_set": {"instances": -1, "cores": -1, "ram": -1}}
    project = (await cloud.fetch("GET", "/identity/v3/auth/projects"))["projects"][0]["id"]
    await cloud.fetch("PUT", f"/compute/v2.1/os-quota-sets/{project}", quota, user="admin")
    await cloud.fetch(
        "PUT",
        f"/network/v2.0/quotas/{project}",
        {"quota": {"network": -1, "port": -1, "subnet": -1}},
        user="admin",
    )
    await cloud.fetch(
        "PUT",
        f"/volume/v3/os-quota-sets/{project}",
        {"quota_set": {"volumes": -1, "gigabytes": -1}},
        user="admin",
    )
    for n in range(SERVERS):
        await create_server(cloud, n)
    await cloud.until(
        "/compute/v2.1/servers/detail",
        lambda found: all(s["status"] == "ACTIVE" for s in found["servers"]),
    )


async def create_server(cloud: Cloud, n: int) -> str:
    image = await _first(cloud, "/image/v2/images?limit=1", "images")
    flavor = await _named(cloud, "/compute/v2.1/flavors", "flavors", "m1.nano")
    network = await _named(cloud, "/network/v2.0/networks?name=private", "networks", "private")
    server = {
        "name": f"bench-{n}",
        "imageRef": image,
        "flavorRef": flavor,
        "networks": [{"uuid": network}],
    }
    made = await cloud.fetch("POST", "/compute/v2.1/servers", {"server": server})
    return str(made["server"]["id"])


_KNOWN: dict[tuple[int, str], str] = {}


async def _first(cloud: Cloud, path: str, collection: str) -> str:
    key = (cloud.pid, path)
    if key not in _KNOWN:
        _KNOWN[key] = (await cloud.fetch("GET", path))[collection][0]["id"]
    return _KNOWN[key]


async def _named(cloud: Cloud, path: str, collection: str, name: str) -> str:
    key = (cloud.pid, path)
    if key not in _KNOWN:
        found = (await cloud.fetch("GET", path))[collection]
        _KNOWN[key] = next(item["id"] for item in found if item["name"] == name)
    return _KNOWN[key]


def _get(path: str, user: str = "demo") -> Callable[[Cloud, int], Awaitable[object]]:
    return lambda cloud, n: cloud.fetch("GET", path, user=user)


async def _issue(cloud: Cloud, n: int) -> None:
    status, _, _ = await cloud.ask(
        "POST", "/identity/v3/auth/tokens", cloud.auth_body("demo"), None
    )
    assert status == 201


async def _validate(cloud: Cloud, n: int) -> None:
    await cloud.fetch(
        "GET", "/identity/v3/auth/tokens", user="admin", X_Subject_Token=cloud.tokens["demo"]
    )


async def _show_server(cloud: Cloud, n: int) -> None:
    id = await _first(cloud, "/compute/v2.1/servers", "servers")
    await cloud.fetch("GET", f"/compute/v2.1/servers/{id}")


async def _create_network(cloud: Cloud, n: int) -> None:
    await cloud.fetch("POST", "/network/v2.0/networks", {"network": {"name": f"n{n}"}})


async def _delete_network(cloud: Cloud, n: int) -> None:
    found = (await cloud.fetch("GET", f"/network/v2.0/networks?name=n{n}&fields=id"))["networks"]
    await cloud.ask("DELETE", f"/network/v2.0/networks/{found[0]['id']}")


async def _create_port(cloud: Cloud, n: int) -> None:
    network = await _named(cloud, "/network/v2.0/networks?name=private", "networks", "private")
    await cloud.fetch("POST", "/network/v2.0/ports", {"port": {"network_id": network}})


async def _create_rule(cloud: Cloud, n: int) -> None:
    group = await _first(cloud, "/network/v2.0/security-groups", "security_groups")
    rule = {
        "security_group_id": group,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 1000 + n,
        "port_range_max": 1000 + n,
    }
    await cloud.fetch("POST", "/network/v2.0/security-group-rules", {"security_group_rule": rule})


async def _server_to_active(cloud: Cloud, n: int) -> None:
    id = await create_server(cloud, 10_000 + n)
    await cloud.until(f"/compute/v2.1/servers/{id}", lambda f: f["server"]["status"] == "ACTIVE")


async def _volume_to_available(cloud: Cloud, n: int) -> None:
    made = await cloud.fetch("POST", "/volume/v3/volumes", {"volume": {"size": 1, "name": f"v{n}"}})
    path = f"/volume/v3/volumes/{made['volume']['id']}"
    await cloud.until(path, lambda found: found["volume"]["status"] == "available")


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
    return [cloud.run(_measured(cloud, case)) for case in CASES]


async def _measured(cloud: Cloud, case: Case) -> Result:
    async def body(run: Run) -> None:
        await case.run(cloud, run.number)

    for n in range(3):
        await case.run(cloud, 5000 + n)
    figures = Statistics()
    errors: list[str] = []

    def seen(iteration: Iteration) -> None:
        figures.add(iteration)
        errors.extend(iteration.error[1:2])

    around = Surroundings("bench", Http(), {})
    load = Load(described(case.name, body), {}, around, seen)
    before = cloud.cpu()
    await runners.run("serial", load, {"times": case.repeat})
    spent = cloud.cpu() - before
    if errors:
        raise RuntimeError(f"{case.name}: {errors[0]}")
    return Result(case, spent / case.repeat * 1e6, figures.total.at(99) * 1000)


def geometric_mean(results: list[Result]) -> float:
    """How many times less CPU than the real services, over the operations both have."""
    ratios = [r.case.real_ms * 1000 / r.us for r in results if r.case.real_ms and r.us]
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
