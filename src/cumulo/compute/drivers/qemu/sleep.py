"""A guest that is suspended, and woken: its record and its memory (`memory`) change together."""

import contextlib
from collections.abc import Awaitable, Callable

from cumulo.compute.drivers.qemu import memory
from cumulo.compute.drivers.qemu.folder import GuestFolder
from cumulo.compute.drivers.qemu.monitor import Monitor, MonitorError
from cumulo.compute.drivers.record import Record, note_suspended
from cumulo.core.run.daemons import Daemon
from cumulo.core.work import pools

End = Callable[[GuestFolder, Record, Daemon], Awaitable[None]]


class Sleep:
    """`end`: ends a guest's process."""

    def __init__(self, end: End) -> None:
        self._end = end

    async def wake(
        self, folder: GuestFolder, record: Record, process: Daemon, monitor: Monitor
    ) -> None:
        """A suspended guest goes on where it was; what was written down goes first. Raises
        MonitorError."""
        if not (folder.path / memory.FILE).exists():
            return
        try:
            await memory.loaded(monitor)
        except MonitorError as error:
            await self._end(folder, record, process)
            record.pid = record.started = 0
            self.note_unread(folder, record)
            raise MonitorError(
                f"what it had in memory cannot be read ({folder.last_words() or error}): a hard "
                "reboot starts it anew"
            ) from error
        await pools.DISK(memory.forget, folder.path)
        record.places = {}

    def note_unread(self, folder: GuestFolder, record: Record) -> None:
        """It is suspended still, if it was."""
        if (folder.path / memory.FILE).exists():
            note_suspended(record)

    async def put(
        self, folder: GuestFolder, record: Record, process: Daemon, monitor: Monitor
    ) -> None:
        """Raises MonitorError, OSError; then the guest runs on."""
        if record.phase != "saving":
            record.places = await monitor.places()
            record.phase = "saving"
            await pools.DISK(folder.save, record)
        try:
            await memory.save(monitor, folder.path)
        except (MonitorError, OSError):
            if process.alive():
                record.phase = "running"
                with contextlib.suppress(MonitorError):
                    await monitor.execute("cont")
            raise
        await self._end(folder, record, process)
        note_suspended(record)
        await pools.DISK(folder.save, record)
