"""A thousand simulated hosts: servers a second to ACTIVE, candidates, and a list of a thousand.

The hosts' own work is in the same process. CPU is the process's; the second is the clock's, with
the load generator on another core.
"""

import asyncio
import statistics
import sys
import time
from typing import Any

from bench import floor
from bench.hosts import SERVERS, rate, wish_of
from bench.process import Cloud, fake_cloud

HOSTS = 1000
COUNT = 1000
AT_ONCE = 16
REPEAT = 20
PLACEMENT = "/placement/allocation_candidates?resources=VCPU:1,MEMORY_MB:128"
RATE, CANDIDATES_MS, DETAIL_MS = 200, 10, 20
"""What compute promises: servers a second, CPU of the scheduler's question, and of the list."""


def main() -> None:
    slow = floor.measure() / floor.REFERENCE_US
    with fake_cloud(HOSTS) as cloud:
        time.sleep(20.0)  # a thousand hosts have said what they have
        wish = {**wish_of(cloud), "networks": [{"uuid": _wide_network(cloud)}]}
        for _ in range(50):
            cloud.json("POST", SERVERS, {"server": wish})
        at_rest = rate(cloud, 10.0)
        began, cpu = time.monotonic(), cloud.cpu()
        cloud.run(_burst(cloud, wish))
        seconds = time.monotonic() - began
        spent = cloud.cpu() - cpu - at_rest * seconds
        candidates = _cost(cloud, f"{PLACEMENT}&limit=100", "admin", at_rest)
        every = _cost(cloud, PLACEMENT, "admin", at_rest)
        detail = _cost(cloud, f"{SERVERS}/detail?limit=1000", "demo", at_rest)
    lines = (
        (f"{HOSTS} simulated hosts", "", "budget"),
        ("---", "---", "---"),
        (f"servers a second, {COUNT} by single requests", f"{COUNT / seconds:.0f}", RATE),
        ("CPU of one to ACTIVE, ms", f"{spent / COUNT * 1e3:.1f}", ""),
        ("100 allocation candidates, ms of CPU", f"{candidates * 1e3:.1f}", CANDIDATES_MS),
        (f"all {HOSTS} of them, ms of CPU", f"{every * 1e3:.1f}", ""),
        ("servers/detail of 1,000, ms of CPU", f"{detail * 1e3:.1f}", DETAIL_MS),
    )
    for line in lines:
        print("|", " | ".join(str(cell) for cell in line), "|")
    print(
        f"\nat rest: {at_rest * 100:.0f} % of a core; this machine is {slow:.1f} times slower now"
    )
    print("than at reference speed, of which the budgets are; no figure here is scaled")


def _wide_network(cloud: Cloud) -> str:
    """With addresses for all."""
    path = "/network/v2.0"
    made: str = cloud.json("POST", f"{path}/networks", {"network": {"name": "wide"}})["network"][
        "id"
    ]
    subnet = {"network_id": made, "ip_version": 4, "cidr": "10.64.0.0/18"}
    cloud.json("POST", f"{path}/subnets", {"subnet": subnet})
    return made


async def _burst(cloud: Cloud, wish: dict[str, Any]) -> None:
    """All are ACTIVE at its end."""
    left = iter(range(COUNT))

    async def make() -> None:
        for _ in left:
            await cloud.fetch("POST", SERVERS, {"server": wish})

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(make())
    path = f"{SERVERS}?status=BUILD&limit=1"
    await cloud.until(path, lambda found: not found["servers"], seconds=120.0)


def _cost(cloud: Cloud, path: str, user: str, at_rest: float) -> float:
    """Seconds of CPU: the median of some requests, after one that fills what is kept."""
    newest = {"OpenStack_API_Version": "placement 1.39" if "placement" in path else "compute 2.1"}
    cloud.json("GET", path, user=user, **newest)
    costs = []
    for _ in range(REPEAT):
        began, cpu = time.monotonic(), cloud.cpu()
        cloud.json("GET", path, user=user, **newest)
        costs.append(cloud.cpu() - cpu - at_rest * (time.monotonic() - began))
    return statistics.median(costs)


if __name__ == "__main__":
    sys.exit(main())
