"""The farm by the library that speaks Redfish, on QEMU without an operating system."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sushy

from cumulo.baremetal.drivers.ipmi import Ipmi
from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.farm import gateway
from cumulo.baremetal.farm.farm import Farm, FarmRecord
from cumulo.baremetal.farm.machine import Busy
from cumulo.baremetal.farm.place import GATEWAY
from cumulo.baremetal.model.hardware import Machine, Rejected
from cumulo.core.run.daemons import Daemon
from cumulo.core.run.namespaces import in_namespace, namespace_exists

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
