"""The farm by the library that speaks Redfish, on QEMU without an operating system."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sushy

from cumulo.baremetal.drivers.farm_switch import FarmSwitch
from cumulo.baremetal.drivers.ipmi import Ipmi
from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.farm import gateway
from cumulo.baremetal.farm.farm import Farm, FarmRecord
from cumulo.baremetal.farm.machine import Busy
from cumulo.baremetal.farm.place import GATEWAY, Place
from cumulo.baremetal.farm.switch import Outlet, devices
from cumulo.baremetal.model.hardware import Machine, Rejected
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.daemons import Daemon
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    in_namespace,
    namespace_exists,
)

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("qemu-system-x86_64") is None,
    reason="needs root, for a network namespace, and QEMU",
)
PREFIX = f"cm{os.getpid() % 0x100000:05x}"


def put_up(farm: Farm, count: int, tls: bool = False) -> FarmRecord:
    cloud = "http://127.0.0.1:9/baremetal"
    return farm.up(
        count, PREFIX, cloud, memory_mb=256, disk_gb=4, tls=tls, say=lambda line: None, ipmi=True
    )  # fmt: skip


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    # QEMU is nobody, and must get to its folder.
    folder = Path(tempfile.mkdtemp(prefix="cumulo-farm-"))
    folder.chmod(0o755)
    farm = Farm(folder)
    try:
        put_up(farm, 1, tls=True)
        yield farm
    finally:
        farm.down()
        assert not namespace_exists(f"{PREFIX}-farm")
        assert not namespace_exists(f"{PREFIX}-switch")
        assert not (folder / "baremetal" / "farm").exists()
        shutil.rmtree(folder)


def connect(farm: Farm, **who: str) -> Any:
    record = farm.record()
    asked = {"username": record.user, "password": record.password, **who}
    return sushy.Sushy(record.address, verify=str(farm.folders.certificate), **asked)


def system_of(farm: Farm) -> Any:
    return connect(farm).get_system(f"/redfish/v1/Systems/{farm.list()[0].id}")


def test_a_machine_behind_its_bmc(farm: Farm) -> None:
    system = system_of(farm)
    assert system.power_state == sushy.PowerState.OFF
    assert [e.mac_address for e in system.ethernet_interfaces.get_members()] == [farm.list()[0].mac]
    assert system.simple_storage.max_size_bytes == 4 << 30
    system.set_system_boot_options(
        target=sushy.BOOT_SOURCE_TARGET_CD, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE
    )
    system.reset_system(sushy.RESET_ON)
    system.refresh(force=True)
    assert system.power_state == sushy.PowerState.ON
    assert system.boot.enabled == sushy.BootSourceOverrideEnabled.DISABLED
    system.reset_system(sushy.RESET_NMI)
    system.bios.set_attribute("ProcTurboMode", "Disabled")
    assert system.bios.attributes["ProcTurboMode"] == "Enabled"
    system.reset_system(sushy.RESET_FORCE_RESTART)
    system.refresh(force=True)
    system.bios.refresh(force=True)
    assert system.bios.attributes["ProcTurboMode"] == "Disabled"
    system.reset_system(sushy.RESET_FORCE_OFF)
    assert farm.list()[0].power == "off"


def test_who_does_not_know_the_password_gets_nothing(farm: Farm) -> None:
    with pytest.raises(sushy.exceptions.AccessError):
        connect(farm, password="guess").get_system_collection()


@pytest.mark.skipif(shutil.which("ipmitool") is None, reason="needs ipmitool")
def test_by_ipmi(farm: Farm) -> None:
    """The driver of nodes, at the farm's BMC."""
    record = farm.record()
    places = Places(farm, bmcs=(), agents=(), agent_url="", media_url="")
    info = {
        "ipmi_address": "127.0.0.1",
        "ipmi_port": farm.list()[0].ipmi_port,
        "ipmi_username": record.user,
        "ipmi_password": record.password,
    }
    machine, driver = Machine("id", info), Ipmi(places)

    async def life() -> None:
        assert await driver.power(machine) == "power off"
        await driver.set_boot_device(machine, "pxe", True)
        assert (await driver.boot_device(machine))[0] == "pxe"
        assert farm.folders.all()[0].board().enabled == "Continuous"
        await driver.set_power(machine, "power on", "t")
        assert farm.list()[0].power == "on"
        await driver.nmi(machine)
        await driver.set_power(machine, "rebooting", "t")
        await driver.set_power(machine, "power off", "t")
        assert farm.list()[0].power == "off"
        await driver.set_boot_device(machine, "disk", False)
        assert farm.folders.all()[0].board().target == "Hdd"
        with pytest.raises((Rejected, OSError)):
            await driver.power(Machine("id", {**info, "ipmi_password": "guess"}))
        with pytest.raises(Rejected, match="bmc_networks"):
            await driver.power(Machine("id", {**info, "ipmi_address": "10.1.2.3"}))
        with pytest.raises(Rejected, match="Missing"):
            await driver.power(Machine("id", {**info, "ipmi_address": "-oProxy"}))

    asyncio.run(life())
    assert places.of(info).namespace == f"{PREFIX}-farm"


def test_its_process_may_be_killed(farm: Farm) -> None:
    system_of(farm).reset_system(sushy.RESET_ON)
    machine = farm.folders.all()[0]
    before = machine.process()
    daemon = Daemon.load(farm.folders.process)
    assert daemon is not None and before is not None
    daemon.send(signal.SIGKILL)
    assert daemon.wait(5)
    put_up(farm, 2)
    assert machine.process() == before
    assert [each.power for each in farm.list()] == ["on", "off"]
    assert system_of(farm).power_state == sushy.PowerState.ON
    machine.power_off()


def test_a_medium_that_cannot_be_had(farm: Farm) -> None:
    [medium] = system_of(farm).managers[0].virtual_media.get_members()
    with pytest.raises(sushy.exceptions.BadRequestError):
        medium.insert_media("http://127.0.0.1:9/none.iso")
    with pytest.raises(sushy.exceptions.BadRequestError):
        medium.insert_media("file:///etc/passwd")
    assert farm.folders.all()[0].board().media == ""


def test_the_gateway_has_few_doors(farm: Farm) -> None:
    def ask(path: str) -> int:
        def open_() -> int:
            try:
                with urllib.request.urlopen(f"http://{GATEWAY}:{gateway.PORT}{path}", timeout=5):
                    return 200
            except urllib.error.HTTPError as error:
                return error.code

        return in_namespace(f"{PREFIX}-farm", open_)

    assert ask("/v1/nodes") == 404
    assert ask("/v1/lookup/../nodes") == 404
    assert ask("/identity/v3") == 404
    # Nobody is behind it here.
    assert ask("/v1/lookup?addresses=52:54:00:00:00:01") == 502
    with pytest.raises(OSError):
        in_namespace(f"{PREFIX}-farm", socket.create_connection, ("1.1.1.1", 80), 1)


def test_qemu_that_is_gone_is_said(farm: Farm) -> None:
    with pytest.raises(Busy):
        farm.folders.all()[0].qmp("query-status")


def test_the_switch_moves_a_card(farm: Farm) -> None:
    """What a machine sends is seen where its wire ends, and nowhere else: frames of a packet socket
    in the place of QEMU, a namespace in that of the cloud's data plane."""
    put_up(farm, 1)
    seen, plane = farm.list()[0], f"{PREFIX}-host"
    tap = f"tf{seen.mac.replace(':', '')[-6:]}"
    record = farm.record()
    wire = partial(farm.wire, seen.id, seen.mac)
    port, network = "tap0123abcd-ef", Outlet("network", "tap0123abcd-ef", 1400)
    create_namespace(plane)
    try:
        descriptor = Place(record.namespace).tap(farm.folders.machine(seen.id).made)
        with os.fdopen(descriptor, "r+b", buffering=0) as card:
            here = partial(arrives, card, seen.mac)
            assert here(record.namespace, "prov")
            assert wire(Outlet("nothing"))
            assert not here(record.namespace, "prov")
            assert not wire(network), "its port is not made yet"
            as_the_agent_does(plane, port)
            assert wire(network) and wire(network)
            assert here(plane, port) and not here(record.namespace, "prov")
            assert "mtu 1400" in ip(f"{PREFIX}-switch", "link", "show", "dev", tap)
            # As after a restart of the machine that all this is on: the switch remembers.
            put_up(farm, 1)
            assert here(plane, port)
            # The network takes its port away: the card is nowhere, and the machine has it still.
            ip(plane, "link", "del", "dev", port)
            assert not here(record.namespace, "prov")
            other = Outlet("network", "tap9999abcd-ef", 1500)
            as_the_agent_does(plane, other.tap)
            assert wire(other) and here(plane, other.tap)
            assert wire(Outlet("provisioning")) and here(record.namespace, "prov")
            assert not here(plane, "br1")
        left = set(devices_of(f"{PREFIX}-switch")) - {"lo", "prov", "up0"}
        assert tap in left and all(name.startswith("tf") for name in left)
    finally:
        delete_namespace(plane)


def as_the_agent_does(plane: str, port: str) -> None:
    """A tap in a network's bridge."""
    if "br1" not in devices_of(plane):
        ip(plane, "link", "add", "br1", "up", "type", "bridge")
    ip(plane, "tuntap", "add", "dev", port, "mode", "tap")
    ip(plane, "link", "set", "dev", port, "master", "br1", "up")


def ip(namespace: str, *arguments: str) -> str:
    return run_blocking(["ip", *arguments], namespace=namespace).decode()


def devices_of(namespace: str) -> list[str]:
    return in_namespace(namespace, devices)


def arrives(card: Any, mac: str, namespace: str, device: str) -> bool:
    """Whether a broadcast of the card comes to that device."""

    def listen() -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        made.bind((device, 0))
        made.settimeout(0.5)
        return made

    if device not in devices_of(namespace):
        return False
    mark = os.urandom(8)
    frame = b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) + b"\x88\xb5" + mark + bytes(50)
    with in_namespace(namespace, listen) as ear:
        card.write(bytes(10) + frame)
        with contextlib.suppress(TimeoutError):
            while mark not in ear.recv(2048):
                pass
            return True
    return False


def test_whose_card_it_is(farm: Farm) -> None:
    """A node has the cards of the machine whose BMC it names, and knows the password of."""
    record, seen = farm.record(), farm.list()[0]
    places = Places(farm, bmcs=[], agents=[], agent_url="", media_url="")
    switch = FarmSwitch(farm, places, "here")
    info = {
        "redfish_address": record.address,
        "redfish_system_id": f"/redfish/v1/Systems/{seen.id}",
        "redfish_password": record.password,
    }
    ipmi = {
        "ipmi_address": "127.0.0.1", "ipmi_port": str(record.ipmi_port),
        "ipmi_password": record.password,
    }  # fmt: skip
    for good in (info, ipmi):
        assert switch.drives(Machine("x", good), seen.mac)
        assert not switch.drives(Machine("x", good), "52:54:00:00:00:01")
    for wrong in (
        {"redfish_password": "no"}, {"redfish_address": "http://127.0.0.1:1"},
        {"redfish_system_id": "/redfish/v1/Systems/../../etc"}, {"redfish_system_id": 7},
    ):  # fmt: skip
        assert not switch.drives(Machine("x", {**info, **wrong}), seen.mac)
    assert not switch.drives(Machine("x", {**ipmi, "ipmi_password": "no"}), seen.mac)
