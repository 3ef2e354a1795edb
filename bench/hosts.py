"""A burst of servers on one simulated host and on 300, in one run: CPU from the request to ACTIVE,
the hosts' own work with it (they are in the same process), less what the cloud uses at rest.

The project has a few servers on each host already, so that every host follows its security group.
"""

import statistics
import sys
import time
from typing import Any

from bench.process import Cloud, fake_cloud

HOSTS = 300
BURST = 20
BURSTS = 5
KEPT = 150
"""Servers that are there before."""
TIMES = 1.5
"""How much dearer a create may become (the frame's promise)."""
SERVERS = "/compute/v2.1/servers"


def main() -> None:
    found = {}
    for hosts in (1, HOSTS):
        with fake_cloud(hosts) as cloud:
            found[hosts] = measure(cloud)
    print("| simulated hosts | CPU of a create to ACTIVE, ms |")
    print("|---|---|")
    for hosts, cost in found.items():
        print(f"| {hosts} | {cost * 1e3:.1f} |")
    print(f"\n{found[HOSTS] / found[1]:.2f} times its cost on one host (budget {TIMES})")


def measure(cloud: Cloud) -> float:
    """Seconds of CPU a server: the median of some bursts."""
    wish = wish_of(cloud)
    _burst(cloud, wish, KEPT)
    costs = []
    for _ in range(BURSTS):
        time.sleep(3.0)
        at_rest = rate(cloud, 4.0)
        began, cpu = time.monotonic(), cloud.cpu()
        ids = _burst(cloud, wish, BURST)
        time.sleep(1.0)
        spent = cloud.cpu() - cpu - at_rest * (time.monotonic() - began)
        costs.append(spent / BURST)
        for id in ids:
            cloud.send("DELETE", f"{SERVERS}/{id}")
    return statistics.median(costs)


def wish_of(cloud: Cloud) -> dict[str, Any]:
    project = cloud.json("GET", "/identity/v3/auth/projects")["projects"][0]["id"]
    quota = {"instances": -1, "cores": -1, "ram": -1}
    path = f"/compute/v2.1/os-quota-sets/{project}"
    cloud.json("PUT", path, {"quota_set": quota}, user="admin")
    path = f"/network/v2.0/quotas/{project}"
    cloud.json("PUT", path, {"quota": {"port": -1}}, user="admin")
    networks = cloud.json("GET", "/network/v2.0/networks?name=private")["networks"]
    images = cloud.json("GET", "/image/v2/images")["images"]
    return {
        "name": "burst",
        "flavorRef": "42",
        "imageRef": images[0]["id"],
        "networks": [{"uuid": networks[0]["id"]}],
    }


def _burst(cloud: Cloud, wish: dict[str, Any], count: int) -> list[str]:
    """Made one after the other, as fast as they are answered; all are ACTIVE then."""
    ids = [
        cloud.json("POST", SERVERS, {"server": wish}, OpenStack_API_Version="compute 2.96")[
            "server"
        ]["id"]
        for _ in range(count)
    ]
    end = time.monotonic() + 300
    for id in reversed(ids):
        while True:
            status = cloud.json("GET", f"{SERVERS}/{id}")["server"]["status"]
            if status == "ACTIVE":
                break
            if status != "BUILD" or time.monotonic() > end:
                raise RuntimeError(f"server {id} is {status}")
            time.sleep(0.05)
    return ids


def rate(cloud: Cloud, seconds: float) -> float:
    began, cpu = time.monotonic(), cloud.cpu()
    time.sleep(seconds)
    return (cloud.cpu() - cpu) / (time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
