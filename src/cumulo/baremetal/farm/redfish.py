"""What the machines' BMC answers: Redfish, as far as its clients ask (DSP0266, schemas of 2023).

One service answers for all machines: each is a System and a Manager of the same id, all in one
Chassis. Who calls proves it by basic authentication or by a session.
"""

import base64
import hmac
import json
import os
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cumulo.baremetal.farm.machine import TARGETS, Board, Busy, Machine

ROOT = "/redfish/v1"
RESETS = (
    "On", "ForceOn", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart",
    "PowerCycle", "PushPowerButton", "Nmi",
)  # fmt: skip
ENABLED = ("Disabled", "Once", "Continuous")
BIOS = {"BootMode": "LegacyBios", "ProcTurboMode": "Enabled", "QuietBoot": "true", "AssetTag": ""}
MOST_MEDIUM = 512 * 1024 * 1024
MOST_SESSIONS = 64
SESSION_SECONDS = 1800.0
PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(status, _error(text))


def _error(text: str) -> Any:
    code = "Base.1.18.GeneralError"
    told = {"MessageId": code, "Message": text, "Severity": "Critical", "Resolution": "None"}
    return {"error": {"code": code, "message": text, "@Message.ExtendedInfo": [told]}}


class Bmc:
    """`tap`: opens the other end of a machine's network card."""

    def __init__(
        self,
        machines: Callable[[], Mapping[str, Machine]],
        user: str,
        password: str,
        tap: Callable[[Machine], int],
    ) -> None:
        self._machines = machines
        self._user = user
        self._password = password
        self._tap = tap
        self._sessions: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            return self._answer(method, urlsplit(path).path.rstrip("/"), headers, body)
        except Refused as refused:
            return refused.answer
        except Busy as busy:
            return Answer(409, _error(str(busy)))

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if path == "/redfish" and method == "GET":
            return Answer(200, {"v1": f"{ROOT}/"})
        if path == ROOT and method == "GET":
            return Answer(200, self._root())
        sessions = f"{ROOT}/SessionService/Sessions"
        if path == sessions and method == "POST":
            return self._log_in(_json(body))
        self._check(headers)
        parts = tuple(path.removeprefix(ROOT).strip("/").split("/"))
        if not path.startswith(f"{ROOT}/"):
            raise Refused(404, "There is no such resource.")
        if parts[:2] == ("SessionService", "Sessions") and len(parts) == 3 and method == "DELETE":
            with self._lock:
                self._sessions.pop(parts[2], None)
            return Answer(204)
        if parts[0] in ("Systems", "Managers") and len(parts) > 1:
            return self._of_machine(method, parts, _json(body) if body else {})
        if method != "GET":
            raise Refused(405, "That cannot be done here.")
        return Answer(200, self._fixed(parts))

    # --- who calls -----------------------------------------------------------------------------

    def _same(self, user: Any, password: Any) -> bool:
        pairs = ((str(user), self._user), (str(password), self._password))
        return all([hmac.compare_digest(a.encode(), b.encode()) for a, b in pairs])

    def _check(self, headers: Mapping[str, str]) -> None:
        given = headers.get("authorization", "")
        if given.startswith("Basic "):
            try:
                user, _, password = base64.b64decode(given[6:]).decode().partition(":")
            except ValueError:
                user = password = ""
            if self._same(user, password):
                return
        token = headers.get("x-auth-token", "")
        with self._lock:
            for known, until in self._sessions.values():
                if hmac.compare_digest(known.encode(), token.encode()) and until > time.monotonic():
                    return
        raise Refused(401, "The BMC does not know you.")

    def _log_in(self, wish: Mapping[str, Any]) -> Answer:
        if not self._same(wish.get("UserName"), wish.get("Password")):
            raise Refused(401, "The BMC does not know you.")
        name, token = secrets.token_hex(8), secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            self._sessions = {k: v for k, v in self._sessions.items() if v[1] > now}
            while len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[name] = (token, now + SESSION_SECONDS)
        place = f"{ROOT}/SessionService/Sessions/{name}"
        body = {"@odata.id": place, "@odata.type": "#Session.v1_5_0.Session", "Id": name,
                "Name": "Session", "UserName": self._user}  # fmt: skip
        return Answer(201, body, {"X-Auth-Token": token, "Location": place})

    # --- what is the same for all --------------------------------------------------------------

    def _root(self) -> Any:
        return {
            "@odata.id": f"{ROOT}/", "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot",
            "Id": "RootService", "Name": "Cumulo farm", "RedfishVersion": "1.15.0",
            "Vendor": "Cumulo", "Product": "Farm",
            "Systems": _at("Systems"), "Managers": _at("Managers"), "Chassis": _at("Chassis"),
            "SessionService": _at("SessionService"),
            "Links": {"Sessions": _at("SessionService/Sessions")},
        }  # fmt: skip

    def _fixed(self, parts: tuple[str, ...]) -> Any:
        ids = sorted(self._machines())
        if parts in (("Systems",), ("Managers",)):
            kind = {"Systems": "ComputerSystem", "Managers": "Manager"}[parts[0]]
            return _collection(parts[0], kind, [f"{parts[0]}/{id}" for id in ids])
        if parts == ("Chassis",):
            return _collection("Chassis", "Chassis", ["Chassis/farm"])
        if parts == ("Chassis", "farm"):
            return {
                "@odata.id": f"{ROOT}/Chassis/farm", "@odata.type": "#Chassis.v1_23_0.Chassis",
                "Id": "farm", "Name": "Farm", "ChassisType": "RackMount", "PowerState": "On",
                "Manufacturer": "Cumulo", "Status": _OK,
                "Links": {"ComputerSystems": [_at(f"Systems/{id}") for id in ids],
                          "ManagedBy": [_at(f"Managers/{id}") for id in ids]},
            }  # fmt: skip
        if parts == ("SessionService",):
            return {
                "@odata.id": f"{ROOT}/SessionService", "Id": "SessionService",
                "@odata.type": "#SessionService.v1_1_8.SessionService", "Name": "Sessions",
                "ServiceEnabled": True, "SessionTimeout": int(SESSION_SECONDS),
                "Sessions": _at("SessionService/Sessions"),
            }  # fmt: skip
        if parts == ("SessionService", "Sessions"):
            with self._lock:
                names = [f"SessionService/Sessions/{name}" for name in self._sessions]
            return _collection("SessionService/Sessions", "Session", names)
        raise Refused(404, "There is no such resource.")

    # --- machines ------------------------------------------------------------------------------

    def _of_machine(self, method: str, parts: tuple[str, ...], wish: Any) -> Answer:
        machine = self._machines().get(parts[1])
        if machine is None or not isinstance(wish, dict):
            raise Refused(404, "There is no such machine.")
        with machine.lock:
            rest = "/".join(parts[2:])
            if method == "GET":
                return Answer(200, self._show(machine, parts[0], rest))
            changes = {
                ("PATCH", "Systems", ""): self._patch,
                ("POST", "Systems", "Actions/ComputerSystem.Reset"): self._reset,
                ("PATCH", "Systems", "Bios/Settings"): self._set_bios,
                ("POST", "Systems", "Bios/Actions/Bios.ResetBios"): self._reset_bios,
                ("POST", "Managers", "VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia"):
                    self._insert,
                ("POST", "Managers", "VirtualMedia/Cd/Actions/VirtualMedia.EjectMedia"):
                    self._eject,
            }  # fmt: skip
            change = changes.get((method, parts[0], rest))
            if change is None:
                raise Refused(405, "That cannot be done here.")
            change(machine, wish)
            return Answer(204)

    def _show(self, machine: Machine, kind: str, rest: str) -> Any:
        shown: dict[tuple[str, str], Callable[[Machine], Any]] = {
            ("Systems", ""): _system,
            ("Systems", "EthernetInterfaces"): _interfaces,
            ("Systems", "EthernetInterfaces/nic0"): _interface,
            ("Systems", "Processors"): lambda m: _collection(
                f"Systems/{m.made.id}/Processors", "Processor", []
            ),
            ("Systems", "SimpleStorage"): _storages,
            ("Systems", "SimpleStorage/1"): _storage,
            ("Systems", "Bios"): _bios,
            ("Systems", "Bios/Settings"): _bios_settings,
            ("Managers", ""): _manager,
            ("Managers", "VirtualMedia"): lambda m: _collection(
                f"Managers/{m.made.id}/VirtualMedia", "VirtualMedia",
                [f"Managers/{m.made.id}/VirtualMedia/Cd"],
            ),
            ("Managers", "VirtualMedia/Cd"): _medium,
        }  # fmt: skip
        found = shown.get((kind, rest))
        if found is None:
            raise Refused(404, "There is no such resource.")
        return found(machine)

    def _patch(self, machine: Machine, wish: dict[str, Any]) -> None:
        board = machine.board()
        boot = wish.get("Boot") or {}
        target = boot.get("BootSourceOverrideTarget", board.target)
        enabled = boot.get("BootSourceOverrideEnabled", board.enabled)
        mode = boot.get("BootSourceOverrideMode", "Legacy")
        led = wish.get("IndicatorLED", board.led)
        if target not in TARGETS or enabled not in ENABLED or mode != "Legacy":
            raise Refused(400, "The machine cannot boot like that.")
        if led not in ("Off", "Lit", "Blinking"):
            raise Refused(400, "The LED cannot do that.")
        board.target, board.enabled, board.led = target, enabled, led
        machine.keep(board)

    def _reset(self, machine: Machine, wish: dict[str, Any]) -> None:
        kind = wish.get("ResetType")
        if kind not in RESETS:
            raise Refused(400, f"There is no reset {str(kind)[:50]}.")
        if kind == "Nmi":
            machine.nmi()
        elif kind in ("GracefulShutdown", "PushPowerButton") and machine.is_on():
            machine.press()
        elif kind == "ForceOff":
            machine.power_off()
        elif kind != "GracefulShutdown":
            if kind in ("GracefulRestart", "ForceRestart", "PowerCycle"):
                machine.power_off()
                machine.count_reboot()
            self._start(machine)

    def _start(self, machine: Machine) -> None:
        if machine.is_on():
            return
        descriptor = self._tap(machine)
        try:
            machine.power_on(descriptor)
        finally:
            os.close(descriptor)

    def _set_bios(self, machine: Machine, wish: dict[str, Any]) -> None:
        wanted = wish.get("Attributes")
        if not isinstance(wanted, dict) or set(wanted) - set(BIOS):
            raise Refused(400, "There is no such attribute.")
        if any(not isinstance(value, str) or len(value) > 100 for value in wanted.values()):
            raise Refused(400, "Attributes are texts of at most 100 characters.")
        board = machine.board()
        board.pending = {**board.pending, **wanted}
        machine.keep(board)

    def _reset_bios(self, machine: Machine, wish: dict[str, Any]) -> None:
        board = machine.board()
        board.pending = dict(BIOS)
        machine.keep(board)

    def _insert(self, machine: Machine, wish: dict[str, Any]) -> None:
        url = wish.get("Image")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise Refused(400, "A medium comes from an http or https URL.")
        new = machine.run / "media.new"
        try:
            _download(url, new)
        except (OSError, ValueError) as error:
            new.unlink(missing_ok=True)
            raise Refused(400, f"The medium cannot be fetched: {error}") from None
        machine.insert(url, new)

    def _eject(self, machine: Machine, wish: dict[str, Any]) -> None:
        machine.eject()


def _download(url: str, target: Path) -> None:
    left = MOST_MEDIUM
    with urllib.request.urlopen(url, timeout=60) as source, target.open("wb") as file:
        while piece := source.read(PIECE):
            left -= len(piece)
            if left < 0:
                raise ValueError("it is too large")
            file.write(piece)


def _json(body: bytes) -> Any:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        raise Refused(400, "The body is no JSON.") from None
    if not isinstance(found, dict):
        raise Refused(400, "The body is no object.")
    return found


def _at(path: str) -> dict[str, str]:
    return {"@odata.id": f"{ROOT}/{path}"}


_OK = {"State": "Enabled", "Health": "OK"}


def _collection(path: str, kind: str, members: list[str]) -> Any:
    return {
        "@odata.id": f"{ROOT}/{path}", "Name": f"{kind} collection",
        "@odata.type": f"#{kind}Collection.{kind}Collection",
        "Members@odata.count": len(members), "Members": [_at(member) for member in members],
    }  # fmt: skip


def _system(machine: Machine) -> Any:
    made, board, here = machine.made, machine.board(), f"Systems/{machine.made.id}"
    return {
        "@odata.id": f"{ROOT}/{here}", "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
        "Id": made.id, "Name": made.name, "UUID": made.id, "SystemType": "Physical",
        "Manufacturer": "Cumulo", "Model": "Farm machine", "SerialNumber": made.id,
        "PowerState": "On" if machine.is_on() else "Off", "IndicatorLED": board.led,
        "Status": _OK, "BiosVersion": "SeaBIOS",
        "ProcessorSummary": {"Count": made.cpus, "LogicalProcessorCount": made.cpus,
                             "Model": "QEMU", "Status": _OK},
        "MemorySummary": {"TotalSystemMemoryGiB": made.memory_mb / 1024, "Status": _OK},
        "Boot": {
            "BootSourceOverrideEnabled": board.enabled, "BootSourceOverrideTarget": board.target,
            "BootSourceOverrideTarget@Redfish.AllowableValues": list(TARGETS),
            "BootSourceOverrideMode": "Legacy",
            "BootSourceOverrideMode@Redfish.AllowableValues": ["Legacy"],
        },
        "EthernetInterfaces": _at(f"{here}/EthernetInterfaces"),
        "Processors": _at(f"{here}/Processors"), "SimpleStorage": _at(f"{here}/SimpleStorage"),
        "Bios": _at(f"{here}/Bios"),
        "Links": {"Chassis": [_at("Chassis/farm")], "ManagedBy": [_at(f"Managers/{made.id}")]},
        "Actions": {"#ComputerSystem.Reset": {
            "target": f"{ROOT}/{here}/Actions/ComputerSystem.Reset",
            "ResetType@Redfish.AllowableValues": list(RESETS),
        }},
    }  # fmt: skip


def _interfaces(machine: Machine) -> Any:
    here = f"Systems/{machine.made.id}/EthernetInterfaces"
    return _collection(here, "EthernetInterface", [f"{here}/nic0"])


def _interface(machine: Machine) -> Any:
    return {
        "@odata.id": f"{ROOT}/Systems/{machine.made.id}/EthernetInterfaces/nic0",
        "@odata.type": "#EthernetInterface.v1_9_0.EthernetInterface",
        "Id": "nic0", "Name": "Network card", "MACAddress": machine.made.mac,
        "PermanentMACAddress": machine.made.mac, "InterfaceEnabled": True, "Status": _OK,
        "LinkStatus": "LinkUp",
    }  # fmt: skip


def _storages(machine: Machine) -> Any:
    here = f"Systems/{machine.made.id}/SimpleStorage"
    return _collection(here, "SimpleStorage", [f"{here}/1"])


def _storage(machine: Machine) -> Any:
    size = machine.made.disk_gb << 30
    return {
        "@odata.id": f"{ROOT}/Systems/{machine.made.id}/SimpleStorage/1",
        "@odata.type": "#SimpleStorage.v1_3_1.SimpleStorage", "Id": "1", "Name": "Disks",
        "Status": _OK,
        "Devices": [{"Name": "Disk", "Model": "QEMU", "CapacityBytes": size, "Status": _OK}],
    }  # fmt: skip


def _bios(machine: Machine) -> Any:
    here = f"Systems/{machine.made.id}/Bios"
    return {
        "@odata.id": f"{ROOT}/{here}", "@odata.type": "#Bios.v1_2_0.Bios", "Id": "Bios",
        "Name": "BIOS", "Attributes": {**BIOS, **machine.board().bios},
        "@Redfish.Settings": {"@odata.type": "#Settings.v1_3_5.Settings",
                              "SettingsObject": _at(f"{here}/Settings")},
        "Actions": {"#Bios.ResetBios": {"target": f"{ROOT}/{here}/Actions/Bios.ResetBios"}},
    }  # fmt: skip


def _bios_settings(machine: Machine) -> Any:
    board: Board = machine.board()
    return {
        "@odata.id": f"{ROOT}/Systems/{machine.made.id}/Bios/Settings",
        "@odata.type": "#Bios.v1_2_0.Bios", "Id": "Settings", "Name": "BIOS settings",
        "Attributes": {**BIOS, **board.bios, **board.pending},
    }  # fmt: skip


def _manager(machine: Machine) -> Any:
    here = f"Managers/{machine.made.id}"
    return {
        "@odata.id": f"{ROOT}/{here}", "@odata.type": "#Manager.v1_19_0.Manager",
        "Id": machine.made.id, "Name": "BMC", "UUID": machine.made.id, "ManagerType": "BMC",
        "FirmwareVersion": "1", "PowerState": "On", "Status": _OK,
        "VirtualMedia": _at(f"{here}/VirtualMedia"),
        "Links": {"ManagerForServers": [_at(f"Systems/{machine.made.id}")],
                  "ManagerForChassis": [_at("Chassis/farm")]},
    }  # fmt: skip


def _medium(machine: Machine) -> Any:
    board, here = machine.board(), f"Managers/{machine.made.id}/VirtualMedia/Cd"
    return {
        "@odata.id": f"{ROOT}/{here}", "@odata.type": "#VirtualMedia.v1_6_2.VirtualMedia",
        "Id": "Cd", "Name": "Virtual CD", "MediaTypes": ["CD", "DVD"],
        "Image": board.media or None, "ImageName": board.media.rpartition("/")[2] or None,
        "ConnectedVia": "URI" if board.media else "NotConnected",
        "Inserted": bool(board.media), "WriteProtected": True,
        "Actions": {
            "#VirtualMedia.InsertMedia":
                {"target": f"{ROOT}/{here}/Actions/VirtualMedia.InsertMedia"},
            "#VirtualMedia.EjectMedia":
                {"target": f"{ROOT}/{here}/Actions/VirtualMedia.EjectMedia"},
        },
    }  # fmt: skip
