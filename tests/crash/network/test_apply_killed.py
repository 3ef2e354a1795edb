"""kill -9 in the middle of an apply: the next one converges, and nothing is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from cumulo.core.run.commands import run_blocking
from cumulo.core.run.namespaces import list_namespaces
from cumulo.network.drivers.linux.driver import LinuxNetworkDriver
from cumulo.network.model.orders import HostNetworks
from tests.end_to_end.network.lab import PING_IN, Cloud, Lab, aping, dhcp, lab, subnet
from tests.end_to_end.network.test_data_plane import dnsmasq_pids

ROOT = Path(__file__).parents[3]


def victim(prefix: str, state: str, outer: str, text: str) -> None:
    """What the killed process runs; it says when it begins."""
    desired = msgspec.json.decode(text, type=HostNetworks)
    driver = LinuxNetworkDriver(prefix, state=Path(state), outer=outer, nat_to_outside=True)
    print("begin", flush=True)
    asyncio.run(driver.apply(desired))
    print("end", flush=True)
    time.sleep(60)


def kill_after(place: Lab, desired: HostNetworks, seconds: float) -> None:
    code = f"import sys; from {__name__} import victim; victim(*sys.argv[1:])"
    text = msgspec.json.encode(desired).decode()
    child = subprocess.Popen(
        [sys.executable, "-c", code, place.prefix, str(place.state), place.outer, text],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    assert child.stdout is not None and child.stdout.readline() == b"begin\n"
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()


@pytest.mark.parametrize("seconds", [0.01, 0.04, 0.08, 0.12, 0.2, 0.3, 0.5])
def test_killed_at(seconds: float) -> None:
    cloud = Cloud()
    outside = cloud.network(subnet("203.0.113.0/24", "203.0.113.1"), external=True)
    group = cloud.group(PING_IN)
    for _ in range(3):
        inside = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"), dhcp=("10.0.0.2/24",))
        for last in range(11, 15):
            port = cloud.port(inside, f"10.0.0.{last}", groups=(group.id,))
        cloud.router(
            (inside, ("10.0.0.1/24",)),
            outside=(outside, f"203.0.113.{10 + len(cloud.routers)}/24", "203.0.113.1"),
        )
    with lab() as place:

        async def work() -> None:
            guest = place.guest(port)
            kill_after(place, cloud.state(), seconds)
            driver = place.driver(nat_to_outside=True)
            report = await place.apply(driver, cloud.state())
            seen = (*report.networks, *report.ports, *report.routers)
            assert {item.status for item in seen} == {"ACTIVE"}, report
            assert len(dnsmasq_pids(place)) == 3
            assert (await asyncio.to_thread(dhcp, guest, port.mac))[0] == "10.0.0.14"
            assert await aping(place.outer, "203.0.113.12", count=3)
            await driver.remove_all()
            assert dnsmasq_pids(place) == [] and list_namespaces(f"{place.prefix}-") == []
            rules = run_blocking(["nft", "list", "ruleset"], namespace=place.outer)
            assert rules == b""

        place.run(work)
