"""The guest image boots on the QEMU driver, and lets go of devices as an operating system does."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cumulo.compute.drivers.driver import RootDisk
from cumulo.image.guest.builder import default_image

from .hosts import QemuHost

pytestmark = pytest.mark.guest

BOOT_SECONDS = 240.0
USER_DATA = b"""#!/bin/bash
echo "hello from user data"
curl --version | head -1
lsblk -lb --nodeps
"""


class ImageHost(QemuHost):
    """A real host whose guest is Cumulo's own image."""

    def make_image(self) -> None:
        named = os.environ.get("CUMULO_GUEST_IMAGE")
        built = Path(named) if named else default_image()
        if not built.exists():
            pytest.skip(f"no guest image at {built}: cumulo image build-guest")
        # A copy, as the cloud's own image cache has: guests may not read the home of root.
        shutil.copyfile(built, self.image)
        self.image.chmod(0o644)

    def root(self) -> RootDisk:
        return RootDisk(str(self.image), "qcow2", 1)

    def config_drive(self) -> dict[str, bytes]:
        meta = {"uuid": self.id, "hostname": "web-1.example", "public_keys": {}}
        return {
            "openstack/latest/meta_data.json": json.dumps(meta).encode(),
            "openstack/latest/user_data": USER_DATA,
        }


@pytest.fixture
def host() -> Iterator[ImageHost]:
    made = ImageHost()
    yield made
    made.clean_up()


def test_boot_plug_unplug_and_power_off(host: ImageHost) -> None:
    root, drive = host.root(), host.config_drive()

    async def body() -> None:
        spec = host.spec(1, memory_mb=128, root=root, config_drive=drive)
        started = time.monotonic()
        assert (await host.driver.ensure(spec)).fault is None
        log = await host.console_says("cloud-boot: finished", BOOT_SECONDS)
        print(f"booted in {time.monotonic() - started:.1f} s")
        assert "cloud-boot: source config-drive" in log
        assert "hello from user data" in log
        assert "curl 7" in log

        disk = host.disk("volume-a")
        nic = host.nic("port-a")
        host.make_tap(nic)
        changes = {"memory_mb": 128, "root": root, "config_drive": drive}
        plugged = await host.driver.ensure(host.spec(2, disks=[disk], nics=[nic], **changes))
        assert (plugged.disks, plugged.nics, plugged.fault) == (["volume-a"], ["port-a"], None)
        state = None
        for _ in range(20):  # the guest lets go once it has noticed the device
            state = await host.driver.ensure(host.spec(3, **changes))
            if state.fault is None:
                break
        assert state is not None
        assert (state.disks, state.nics, state.fault) == ([], [], None)

        off = await host.driver.ensure(host.spec(4, power="off", **changes))
        assert (off.power, off.fault) == ("off", None)
        await host.driver.close()

    asyncio.run(body())
