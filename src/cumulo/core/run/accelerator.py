"""Which accelerator really works here, found by booting something.

A /dev/kvm that opens proves little: there are hosts where firmware runs under KVM and every
64-bit kernel hangs. So a 512-byte canary enters long mode, counts, and leaves through
isa-debug-exit; what does not come back in time is not used.

The functions block for up to PROBE_SECONDS: the driver calls them in a thread.
"""

import stat
import tempfile
from pathlib import Path

import msgspec

from cumulo.core.run.commands import CommandFailed, run_blocking

DEVICE = Path("/dev/kvm")
PROBE_SECONDS = 4.0
# isa-debug-exit ends QEMU with status value * 2 + 1; the canary writes 0x2a.
_CANARY_STATUS = 0x2A * 2 + 1
# Real mode: zero 0x1000-0x4000, one 2 MiB identity page, PAE, EFER.LME, PG; then in 64-bit mode
# load a 64-bit register, count a million down, out 0x501.
_CANARY = (
    bytes.fromhex(
        "fa31c08ed88ec08ed0bc007cbf0010b90018fcf3abc70600100320c70600200330c7060030830066b8001000"
        "000f22d80f20e06683c8200f22e066b9800000c00f32660d000100000f300f0116987c0f20c0660d01000080"
        "0f22c0ea607c080048b8f0debc9a7856341248c7c140420f0048ffc975fb66ba0105b02aeef4ebfd00000000"
        "0000000000000000009a200000000000009200001700807c0000"
    ).ljust(510, b"\0")
    + b"\x55\xaa"
)


class Accelerator(msgspec.Struct, frozen=True):
    """`name`: "kvm" or "tcg". `group`: the group a process needs to open /dev/kvm, or None."""

    name: str
    group: int | None = None

    @property
    def arguments(self) -> list[str]:
        if self.name == "kvm":
            return ["-accel", "kvm", "-cpu", "host"]
        # The default translation cache is a gigabyte of address space and 50 MB more memory.
        return ["-accel", "tcg,tb-size=32", "-cpu", "max"]


TCG = Accelerator("tcg")


def probe(binary: str, wanted: str = "auto") -> Accelerator:
    """The accelerator to use: `wanted` itself ("kvm", "tcg"), or with "auto" what works."""
    if wanted == "tcg":
        return TCG
    if not DEVICE.exists():
        return TCG
    found = DEVICE.stat()
    group = None if found.st_mode & stat.S_IWOTH else found.st_gid
    kvm = Accelerator("kvm", group)
    # Guests run as nobody: what root alone may open is good for the canary, and for none of them.
    opens = found.st_mode & (stat.S_IWOTH | stat.S_IWGRP)
    if wanted == "kvm" or (opens and boots(binary, kvm)):
        return kvm
    return TCG


def boots(binary: str, accelerator: Accelerator) -> bool:
    """True when the canary comes back within PROBE_SECONDS."""
    with tempfile.TemporaryDirectory(prefix="cumulo-canary.") as folder:
        image = Path(folder) / "canary.img"
        image.write_bytes(_CANARY)
        argv = [binary, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc"]
        argv += [*accelerator.arguments, "-m", "64"]
        argv += ["-device", "isa-debug-exit,iobase=0x501"]
        argv += ["-drive", f"file={image},format=raw,if=ide,readonly=off"]
        try:
            run_blocking(argv, timeout=PROBE_SECONDS)
        except CommandFailed as ended:
            return ended.status == _CANARY_STATUS
    return False


def remembered(binary: str, cache: Path, wanted: str = "auto") -> Accelerator:
    """`probe`, remembered in the file `cache` for this boot of the host and this QEMU."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        version = str(Path(binary).stat().st_mtime_ns)
    except OSError:
        version = "?"
    key = f"{boot} {version} {wanted}"
    try:
        noted, accelerator = msgspec.json.decode(cache.read_bytes(), type=tuple[str, Accelerator])
        if noted == key:
            return accelerator
    except (OSError, msgspec.MsgspecError):
        pass
    accelerator = probe(binary, wanted)
    temporary = cache.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode((key, accelerator)))
    temporary.replace(cache)
    return accelerator
