"""The machines' BMC once more, by IPMI: one UDP port each, in the farm's process.

pyghmi knows one loop for all; what takes long here (a machine's start) is a fifth of a second.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

from cumulo.baremetal.farm.machine import Busy, Machine

LOOPBACK = "::ffff:127.0.0.1"
TO_TARGET = {"network": "Pxe", "net": "Pxe", "pxe": "Pxe", "hd": "Hdd", "safe": "Hdd",
             "optical": "Cd", "cd": "Cd", "cdrom": "Cd", "dvd": "Cd", "setup": "BiosSetup",
             "bios": "BiosSetup", "default": "None"}  # fmt: skip
TO_IPMI = {"Pxe": "network", "Hdd": "hd", "Cd": "optical", "BiosSetup": "setup", "None": "default"}
BUSY = 0xC0
"""IPMI's completion code of a node that is busy."""


class Answers:
    """What pyghmi's `Bmc` asks of one machine; mixed into it, since it is imported late."""

    machine: Machine
    tap: Callable[[Machine], int]
    _persistent = False

    def _do(self, change: Callable[[], None]) -> int:
        with self.machine.lock:
            try:
                change()
            except (Busy, OSError):
                return BUSY
        return 0

    def _start(self) -> None:
        if not self.machine.is_on():
            descriptor = self.tap(self.machine)
            try:
                self.machine.power_on(descriptor)
            finally:
                os.close(descriptor)

    def _again(self) -> None:
        self.machine.power_off()
        self.machine.count_reboot()
        self._start()

    def get_power_state(self) -> str:
        return "on" if self.machine.is_on() else "off"

    def power_on(self) -> int:
        return self._do(self._start)

    def power_off(self) -> int:
        return self._do(self.machine.power_off)

    def power_cycle(self) -> int:
        return self._do(self._again)

    def power_reset(self) -> int:
        return self._do(self._again)

    def power_shutdown(self) -> int:
        return self._do(self.machine.press)

    def pulse_diag(self) -> int:
        return self._do(self.machine.nmi)

    def get_boot_device(self) -> str:
        board = self.machine.board()
        return TO_IPMI[board.target] if board.enabled != "Disabled" else "default"

    def set_system_boot_options(self, request: Any, session: Any) -> None:
        if request["data"][0] == 5:
            self._persistent = bool(request["data"][1] & 0x40)
        super().set_system_boot_options(request, session)  # type: ignore[misc]

    def set_boot_device(self, bootdevice: str) -> None:
        board = self.machine.board()
        board.target = TO_TARGET.get(bootdevice, "None")
        kept = "Continuous" if self._persistent else "Once"
        board.enabled = "Disabled" if board.target == "None" else kept
        self.machine.keep(board)


def serve(
    machines: dict[str, Machine], user: str, password: str, port: int, tap: Callable[[Machine], int]
) -> None:
    """Answers for these machines, each at `port` and its number, in a thread of its own."""
    from pyghmi.ipmi.bmc import Bmc

    kind: Any = type("MachineBmc", (Answers, Bmc), {})
    for machine in machines.values():
        made = kind({user: password}, port + machine.made.number, address=LOOPBACK)
        made.machine, made.tap = machine, tap
    if machines:
        threading.Thread(target=Bmc.listen, daemon=True).start()
