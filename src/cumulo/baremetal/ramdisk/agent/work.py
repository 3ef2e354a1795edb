"""What the commands do."""

import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cumulo.baremetal.ramdisk.agent import devices, images
from cumulo.baremetal.ramdisk.agent.devices import Target
from cumulo.baremetal.ramdisk.agent.images import ImageFault
from cumulo.baremetal.ramdisk.agent.inventory import inventory

MANAGER = "CumuloHardwareManager"
MANAGERS = {MANAGER: "1"}
EDGE = 1 << 20
"""Bytes at both ends of a disk where tables, boot loaders and labels are."""
CLEAN_STEPS: list[dict[str, Any]] = [
    {
        "step": "erase_devices_metadata",
        "priority": 99,
        "interface": "deploy",
        "reboot_requested": False,
        "abortable": True,
    },
    {
        "step": "erase_devices",
        "priority": 10,
        "interface": "deploy",
        "reboot_requested": False,
        "abortable": True,
    },
]
DEPLOY_STEPS: list[dict[str, Any]] = [
    {"step": "erase_devices_metadata", "priority": 0, "interface": "deploy", "argsinfo": None},
]
RESCUE_USER = "rescue"
SHADOW = Path("/etc/shadow")


class WorkFault(Exception):
    """It cannot be done; the text is for the user."""


Params = Mapping[str, Any]
Note = Callable[[int], None]


class Work:
    """`node`: as the lookup gave it. `power`: ends this machine's run, by `off` or `reboot`."""

    def __init__(
        self,
        node: Mapping[str, Any],
        trust: ssl.SSLContext | None,
        power: Callable[[str], None],
        disks: Callable[[], list[dict[str, Any]]] = devices.disks,
    ) -> None:
        self._disks = disks
        self._node = node
        self._trust = trust
        self._power = power
        self.written = ""
        """The disk that an image was written to."""
        self.long: dict[str, Callable[[Params, Note], Any]] = {
            "standby.prepare_image": self.prepare_image,
            "standby.cache_image": self.cache_image,
            "clean.execute_clean_step": self.clean,
            "deploy.execute_deploy_step": self.deploy_step,
            "image.install_bootloader": self.bootloader,
            "rescue.finalize_rescue": self.rescue,
        }
        """Command → what does it, in a thread."""
        self.short: dict[str, Callable[[Params], Any]] = {
            "standby.sync": self.sync,
            "standby.power_off": lambda params: self._power("off"),
            "standby.run_image": lambda params: self._power("reboot"),
            "standby.get_partition_uuids": lambda params: {},
            "clean.get_clean_steps": self.clean_steps,
            "deploy.get_deploy_steps": self.deploy_steps,
            "poll.get_hardware_info": lambda params: inventory(),
        }

    # --- images --------------------------------------------------------------------------------

    def _disk(self) -> str:
        hints = (self._node.get("properties") or {}).get("root_device") or {}
        return devices.root_device(hints, self._disks())

    def prepare_image(self, params: Params, note: Note) -> str:
        """The image onto the root device, then the config drive behind it."""
        found = self.cache_image(params, note)
        drive = params.get("configdrive")
        if drive:
            content = images.config_drive(str(drive), self._trust)
            with Target(self.written) as disk:
                images.write_config_drive(content, disk)
                disk.reread()
        return found

    def cache_image(self, params: Params, note: Note) -> str:
        info = params.get("image_info")
        if not isinstance(info, dict):
            raise WorkFault("image_info is missing")
        with Target(self._disk()) as disk:
            images.write_image(info, disk, self._trust, note)
            disk.reread()
            self.written = disk.path
        return f"image ({info.get('id')}) written to device {self.written}"

    def bootloader(self, params: Params, note: Note) -> None:
        """An image of a whole disk brings its own."""
        if params.get("root_uuid"):
            raise WorkFault("boot loaders for images of one partition are not installed")

    def sync(self, params: Params) -> None:
        os.sync()

    # --- cleaning ------------------------------------------------------------------------------

    def clean_steps(self, params: Params) -> Any:
        return {"clean_steps": {MANAGER: CLEAN_STEPS}, "hardware_manager_version": MANAGERS}

    def deploy_steps(self, params: Params) -> Any:
        return {"deploy_steps": {MANAGER: DEPLOY_STEPS}, "hardware_manager_version": MANAGERS}

    def clean(self, params: Params, note: Note) -> Any:
        step = params.get("step") or {}
        does = {
            "erase_devices": self._erase,
            "erase_devices_metadata": self._erase_metadata,
        }.get(str(step.get("step")))
        if does is None:
            raise WorkFault(f"there is no clean step {str(step.get('step'))[:100]}")
        does(note)
        return {"clean_result": None, "clean_step": step}

    def deploy_step(self, params: Params, note: Note) -> Any:
        step = params.get("step") or {}
        if step.get("step") != "erase_devices_metadata":
            raise WorkFault(f"there is no deploy step {str(step.get('step'))[:100]}")
        if self.written:
            raise WorkFault("the image is on the disk already: it would be lost")
        self._erase_metadata(note)
        return {"deploy_result": None, "deploy_step": step}

    def _erase(self, note: Note) -> None:
        for disk in self._disks():
            with Target(str(disk["name"])) as target:
                for at in target.erase():
                    note(at)
                target.flush()
                target.reread()

    def _erase_metadata(self, note: Note) -> None:
        for disk in self._disks():
            with Target(str(disk["name"])) as target:
                edge = min(EDGE, target.size)
                target.zero(0, edge)
                target.zero(target.size - edge, edge)
                target.flush()
                target.reread()

    # --- rescue --------------------------------------------------------------------------------

    def rescue(self, params: Params, note: Note) -> None:
        """A way in for somebody who knows the password: `ssh rescue@…`."""
        password = str(params.get("rescue_password") or "")
        if not params.get("hashed") or not password.startswith(("$5$", "$6$")):
            raise WorkFault("the rescue password has to come as a SHA-256 or SHA-512 crypt hash")
        if any(sign in password for sign in ":\n"):
            raise WorkFault("that is no hash of a password")
        lines = SHADOW.read_text().splitlines()
        kept = [line for line in lines if not line.startswith(f"{RESCUE_USER}:")]
        SHADOW.write_text("\n".join([*kept, f"{RESCUE_USER}:{password}:19000:0:99999:7:::", ""]))
        server = "/usr/sbin/dropbear"
        os.posix_spawn(server, [server, "-R", "-E", "-p", "22"], dict(os.environ))


__all__ = ["ImageFault", "Work", "WorkFault"]
