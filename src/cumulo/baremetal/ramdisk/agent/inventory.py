"""What the machine is, as its kernel says."""

import fcntl
import os
import platform
import socket
import struct
from pathlib import Path
from typing import Any

from cumulo.baremetal.ramdisk.agent.devices import disks

_SIOCGIFADDR = 0x8915
_CARDS = Path("/sys/class/net")


def address_of(card: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            wish = struct.pack("256s", card.encode()[:15])
            found = fcntl.ioctl(probe, _SIOCGIFADDR, wish)
        except OSError:
            return None
    return socket.inet_ntoa(found[20:24])


def interfaces() -> list[dict[str, Any]]:
    found = []
    for path in sorted(_CARDS.iterdir()):
        if not (path / "device").exists():
            continue
        found.append(
            {
                "name": path.name,
                "mac_address": (path / "address").read_text().strip(),
                "ipv4_address": address_of(path.name),
                "has_carrier": _number(path / "carrier") == 1,
                "lldp": None,
                "vendor": _word(path / "device" / "vendor"),
                "product": _word(path / "device" / "device"),
                "biosdevname": None,
            }
        )
    return found


def _word(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    word = _word(path)
    return int(word) if word.isdecimal() else 0


def _memory_mb() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            # The kernel keeps a part for itself: whole blocks of 128 MiB were put in.
            kib = int(line.split()[1])
            return -(-kib // (128 * 1024)) * 128
    return 0


def _cpu() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    flags = next((line.partition(":")[2].split() for line in lines if "flags" in line), [])
    return {
        "model_name": model,
        "frequency": "",
        "count": os.cpu_count() or 1,
        "architecture": platform.machine(),
        "flags": flags,
    }


def inventory() -> dict[str, Any]:
    dmi = Path("/sys/class/dmi/id")
    efi = Path("/sys/firmware/efi").exists()
    return {
        "interfaces": interfaces(),
        "cpu": _cpu(),
        "disks": disks(),
        "memory": {"total": _memory_mb() << 20, "physical_mb": _memory_mb()},
        "bmc_address": None,
        "bmc_v6address": None,
        "system_vendor": {
            "product_name": _word(dmi / "product_name"),
            "serial_number": _word(dmi / "product_serial"),
            "manufacturer": _word(dmi / "sys_vendor"),
        },
        "boot": {"current_boot_mode": "uefi" if efi else "bios", "pxe_interface": None},
        "hostname": socket.gethostname(),
    }
