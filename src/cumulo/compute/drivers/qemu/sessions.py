"""The QMP sessions of a host's guests: one for each, made when it is asked for."""

from cumulo.compute.drivers.driver import ChangeListener
from cumulo.compute.drivers.qemu.folder import GuestFolder
from cumulo.compute.drivers.qemu.monitor import Monitor


class Sessions:
    def __init__(self, on_change: ChangeListener | None) -> None:
        self._on_change = on_change
        self._monitors: dict[str, Monitor] = {}

    async def of(self, folder: GuestFolder) -> Monitor:
        """Raises MonitorError."""
        monitor = self._monitors.get(folder.id)
        if monitor is not None and monitor.connected:
            return monitor
        await self.forget(folder.id)
        monitor = Monitor(folder.run, lambda: self._changed(folder.id))
        await monitor.connect()
        self._monitors[folder.id] = monitor
        return monitor

    async def forget(self, guest_id: str) -> None:
        monitor = self._monitors.pop(guest_id, None)
        if monitor is not None:
            await monitor.close()

    async def close(self) -> None:
        for monitor in list(self._monitors.values()):
            await monitor.close()
        self._monitors.clear()

    def _changed(self, guest_id: str) -> None:
        if self._on_change is not None:
            self._on_change(guest_id)
