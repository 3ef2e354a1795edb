"""Whether a host's QEMU speaks SPICE: builds without it are common."""

import functools

from cumulo.compute.drivers.qemu.hardware import Hardware, HardwareFault
from cumulo.core.run.commands import CommandFailed, run_blocking


@functools.cache
def speaks(binary: str) -> bool:
    """Asked once: the screen is there only where SPICE is. Blocks."""
    try:
        return b'"qxl-vga"' in run_blocking([binary, "-device", "help"])
    except CommandFailed:
        return False


def check(made: Hardware, binary: str) -> None:
    """Blocks. Raises HardwareFault."""
    if made.spice and not speaks(binary):
        raise HardwareFault("hw_video_model: qxl needs a QEMU with SPICE on this host")
