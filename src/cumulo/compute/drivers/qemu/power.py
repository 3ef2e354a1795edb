"""A guest's power button, and what its power is."""

import asyncio
import time

from cumulo.compute.drivers.qemu.folder import GuestFolder
from cumulo.compute.drivers.qemu.monitor import MonitorError
from cumulo.compute.drivers.qemu.sessions import Sessions
from cumulo.core.run.daemons import Daemon

PAUSED = ("paused", "prelaunch", "suspended", "io-error", "watchdog", "save-vm", "postmigrate")
"""QEMU's run states in which the guest does not run and its process does."""
# Firmware and boot loaders do not listen to the power button: press it again, less and less often.
_PRESS_AGAIN_SECONDS = 1.0


async def press(sessions: Sessions, folder: GuestFolder, process: Daemon, seconds: float) -> None:
    """Press the guest's power button and wait for it to shut itself down, for a while."""
    end = time.monotonic() + seconds
    press_at, pause = 0.0, _PRESS_AGAIN_SECONDS
    while process.alive() and time.monotonic() < end:
        try:
            monitor = await sessions.of(folder)
            status = await monitor.status()
            if status == "shutdown":
                return
            if status in PAUSED:
                await monitor.execute("cont")
            if time.monotonic() >= press_at:
                await monitor.execute("system_powerdown")
                press_at = time.monotonic() + pause
                pause *= 2
        except MonitorError:
            return
        await asyncio.sleep(0.1)
