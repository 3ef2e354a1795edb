"""The farm as a whole: put up, looked at, put away.

    DATA/baremetal/farm/farm.json      namespace, the BMC's port and password
    DATA/baremetal/farm/machines/ID/   one machine
    DATA/baremetal/farm/process        pid and start time of the process that answers

Everything may be killed at any time: `up` makes what is missing, `down` removes what is there.
"""

import contextlib
import datetime
import os
import re
import secrets
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from cumulo.baremetal.farm import gateway
from cumulo.baremetal.farm.machine import Machine, Made
from cumulo.baremetal.farm.place import GATEWAY, Place, address_of
from cumulo.baremetal.farm.switch import Outlet, keep, kept
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.daemons import Daemon, start_daemon

MOST = 64
TRIES = 4
SOURCE = Path(__file__).parents[3]
_PORT, _IPMI = 8001, 6230
_ID = re.compile(r"[0-9a-f-]{36}")


class FarmFault(Exception):
    """It cannot be done; the text says why."""


class FarmRecord(msgspec.Struct, frozen=True):
    namespace: str
    cloud: str
    """The URL of the bare metal API, for the gateway."""
    port: int
    user: str
    password: str
    tls: bool = False
    ipmi_port: int = 0
    """UDP, of the first machine; the others' follow. 0: no IPMI."""

    def is_ipmi(self, host: str, port: str) -> bool:
        """Whether that is one of its machines' BMC."""
        first = self.ipmi_port
        known = first and port.isdecimal() and first <= int(port[:6]) < first + MOST
        return bool(known) and host == "127.0.0.1"

    @property
    def address(self) -> str:
        """Of the BMC: `redfish_address`."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def agent_url(self) -> str:
        """Where the machines reach the bare metal API."""
        return f"http://{GATEWAY}:{gateway.PORT}"


class Folders:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.machines = root / "machines"
        self.process = root / "process"
        self.ready = root / "ready"
        self.certificate = root / "bmc.crt"
        self.key = root / "bmc.key"
        self._record = root / "farm.json"

    def exists(self) -> bool:
        return self._record.exists()

    def load(self) -> FarmRecord:
        return msgspec.json.decode(self._record.read_bytes(), type=FarmRecord)

    def save(self, record: FarmRecord) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for each in (self.root, self.root.parent):
            each.chmod(0o711)
        new = self._record.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_bytes(msgspec.json.encode(record))
        new.replace(self._record)

    def machine(self, id: str) -> Machine:
        return Machine.load(self.machines / id, self.root / "accelerator.json")

    def all(self) -> list[Machine]:
        found = [self.machine(path.parent.name) for path in self.machines.glob("*/machine.json")]
        return sorted(found, key=lambda machine: machine.made.number)


class Seen(msgspec.Struct, frozen=True):
    """A machine, as `farm list` shows it."""

    id: str
    name: str
    power: str
    mac: str
    address: str
    ipmi_port: int
    """0: it has none."""


class Farm:
    def __init__(self, data_dir: Path) -> None:
        self.folders = Folders(data_dir / "baremetal" / "farm")

    def exists(self) -> bool:
        return self.folders.exists()

    def record(self) -> FarmRecord:
        """Raises FarmFault."""
        try:
            return self.folders.load()
        except (OSError, msgspec.MsgspecError):
            raise FarmFault("there is no farm; put one up: ./cumulo baremetal farm up 1") from None

    def up(
        self, count: int, prefix: str, cloud: str, *, memory_mb: int, disk_gb: int, tls: bool,
        say: Callable[[str], None], ipmi: bool = False,
    ) -> FarmRecord:  # fmt: skip
        """At least `count` machines, all of them with their BMC. Raises FarmFault."""
        if not 0 <= count <= MOST:
            raise FarmFault(f"a farm has 0 to {MOST} machines")
        new = not self.exists()
        record = self._recorded(prefix, cloud, tls, ipmi)
        there = self.folders.all()
        taken = {machine.made.number for machine in there}
        free = (number for number in range(MOST) if number not in taken)
        for number in [next(free) for _ in range(count - len(there))]:
            made = _new(prefix, number, memory_mb, disk_gb)
            accelerator = self.folders.root / "accelerator.json"
            Machine(self.folders.machines / made.id, made, accelerator).create()
            say(f"machine {made.name}: {made.id}")
        place, machines = Place(record.namespace), self.folders.all()
        place.ensure([machine.made for machine in machines])
        for machine in machines:
            # The network of one that is a tenant's may come later: the cloud asks again.
            place.switch.set(machine.made.tap, kept(machine.folder))
        for left in reversed(range(TRIES if new else 1)):
            try:
                self._answering(record)
                break
            except FarmFault:
                # Somebody else may have taken a port; nobody has been told of it yet.
                if not left:
                    raise
                more = {"ipmi_port": _free_range()} if record.ipmi_port else {}
                record = msgspec.structs.replace(record, port=_free_port(0), **more)
                self.folders.save(record)
        return record

    def _recorded(self, prefix: str, cloud: str, tls: bool, ipmi: bool) -> FarmRecord:
        if self.exists():
            record = msgspec.structs.replace(self.folders.load(), cloud=cloud)
        else:
            password = secrets.token_urlsafe(12)
            record = FarmRecord(
                f"{prefix}-farm", cloud, _free_port(_PORT, 0), "admin", password, tls
            )
        if ipmi and not record.ipmi_port:
            record = msgspec.structs.replace(record, ipmi_port=_free_range())
        self.folders.save(record)
        if record.tls and not self.folders.certificate.exists():
            _certify(self.folders.certificate, self.folders.key)
        return record

    def _answering(self, record: FarmRecord) -> None:
        found = Daemon.load(self.folders.process)
        if found is not None and found.alive():
            # Another cloud's address, another process.
            found.stop(grace=2.0)
        self.folders.ready.unlink(missing_ok=True)
        log = self.folders.root / "log"
        # As this process has found Cumulo, so shall that one.
        path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
        argv = ["env", f"PYTHONPATH={path}", sys.executable, "-m", "cumulo.baremetal.farm.serve"]
        argv.append(str(self.folders.root))
        daemon = start_daemon(argv, log=log)
        daemon.save(self.folders.process)
        end = time.monotonic() + 30
        while not self.folders.ready.exists():
            if not daemon.alive() or time.monotonic() > end:
                daemon.stop(grace=1.0)
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise FarmFault(f"the BMC does not start: {' '.join(last)[:500]}")
            time.sleep(0.05)

    def wire(self, id: str, mac: str, outlet: Outlet) -> bool:
        """That machine's card is wired there; False: not yet, ask again. Raises FarmFault,
        OSError."""
        machine = self.machine_with(id, mac)
        if machine is None:
            raise FarmFault(f"no machine of the farm has the card {mac}")
        with machine.lock:
            keep(machine.folder, outlet)
            return Place(self.record().namespace).switch.set(machine.made.tap, outlet)

    def machine_with(self, id: str, mac: str) -> Machine | None:
        """The machine of that id, if the card is its own."""
        try:
            machine = self.folders.machine(id) if _ID.fullmatch(id) else None
        except (OSError, msgspec.MsgspecError):
            return None
        return machine if machine is not None and machine.made.mac == mac else None

    def only(self) -> str | None:
        """The id of the one machine that there is."""
        found = self.folders.all()
        return found[0].made.id if len(found) == 1 else None

    def numbered(self, number: int) -> str | None:
        """The id of the machine with this number."""
        found = (each.made for each in self.folders.all())
        return next((made.id for made in found if made.number == number), None)

    def list(self) -> list[Seen]:
        port = self.record().ipmi_port
        return [
            Seen(
                machine.made.id,
                machine.made.name,
                "on" if machine.is_on() else "off",
                machine.made.mac,
                address_of(machine.made),
                port and port + machine.made.number,
            )
            for machine in self.folders.all()
        ]

    def stop(self) -> int:
        """No power and nobody who answers; how many machines ran."""
        if not self.exists():
            return 0
        found = Daemon.load(self.folders.process)
        if found is not None:
            found.stop(grace=2.0)
        running = [machine for machine in self.folders.all() if machine.is_on()]
        for machine in running:
            machine.power_off()
        return len(running)

    def down(self) -> int:
        """Nothing is left; how many machines ran."""
        if not self.exists():
            return 0
        running = self.stop()
        Place(self.folders.load().namespace).remove()
        shutil.rmtree(self.folders.root, ignore_errors=True)
        return running


def _new(prefix: str, number: int, memory_mb: int, disk_gb: int) -> Made:
    # Another farm on this machine has other cards.
    mac = f"52:54:{int(prefix[-5:-3] or '0', 16) & 255:02x}:{secrets.token_hex(2)[:2]}"
    mac += f":{secrets.token_hex(1)}:{number:02x}"
    name = f"metal-{number + 1}"
    return Made(str(uuid.uuid4()), name, number, mac, memory_mb=memory_mb, disk_gb=disk_gb)


def _free_port(*wanted_ports: int) -> int:
    for wanted in wanted_ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise FarmFault("no port is free for the BMC")


def _free_range() -> int:
    """The first of MOST UDP ports."""
    for first in (_IPMI, *(20000 + MOST * secrets.randbelow(500) for _ in range(50))):
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + MOST):
                    probe = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise FarmFault("no ports are free for IPMI")


def _certify(certificate: Path, key: Path) -> None:
    """One of its own making, for 127.0.0.1."""
    days = (datetime.date(2050, 1, 1) - datetime.date.today()).days
    argv = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", str(days),
        "-subj", "/CN=cumulo-farm", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
    ]  # fmt: skip
    run_blocking(argv)
