"""`redfish`: machines with a BMC that speaks Redfish, by the library sushy.

    redfish_address      https://HOST[:PORT] of the BMC
    redfish_system_id    path of the machine there; may be left out where there is just one
    redfish_username, redfish_password
    redfish_verify_ca    true, false, or the path of a certificate file on the control node
    redfish_auth_type    auto, basic or session

A BMC is not trusted: each connection goes to the address that was allowed and to no other, whatever
its answers link to; an answer has a limit. sushy blocks, so each call runs in a thread of its own
session; nothing of it is kept between calls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.drivers.settling import settled
from cumulo.baremetal.model.hardware import (
    NETWORKS,
    POWER_OFF,
    POWER_ON,
    Capabilities,
    Inspected,
    Machine,
    Rejected,
)
from cumulo.core.work import pools

T = TypeVar("T")

READ_SECONDS, CONNECT_SECONDS = 60, 10
MOST_BYTES = 4 * 1024 * 1024
AUTH = ("auto", "basic", "session")
DEVICES = {"pxe": "Pxe", "disk": "Hdd", "cdrom": "Cd", "bios": "BiosSetup"}
LEDS = {"Lit": "ON", "Off": "OFF", "Blinking": "BLINKING"}
MOST_SETTINGS = 1000
RESETS = {
    "power on": "On",
    "power off": "ForceOff",
    "rebooting": "ForceRestart",
    "soft power off": "GracefulShutdown",
    "soft rebooting": "GracefulRestart",
}


class Redfish:
    name = "redfish"
    can = Capabilities(
        interfaces={
            "bios": "redfish",
            "boot": "redfish-virtual-media",
            "console": "no-console",
            "deploy": "direct",
            "firmware": "no-firmware",
            "inspect": "redfish",
            "management": "redfish",
            "network": "noop",
            "power": "redfish",
            "raid": "no-raid",
            "rescue": "agent",
            "storage": "noop",
            "vendor": "no-vendor",
        },
        boot_devices=tuple(DEVICES),
        indicators={"system": {"led": ("ON", "OFF", "BLINKING")}},
        choices={
            "boot": ("redfish-virtual-media", "ipxe"),
            "network": NETWORKS,
            "rescue": ("agent", "no-rescue"),
            "inspect": ("redfish", "agent", "no-inspect"),
        },
        works=("inspect", "clean", "deploy", "rescue", "service"),
        settings=True,
        properties={
            "redfish_address": "URL of the BMC: https://HOST[:PORT]. Required.",
            "redfish_system_id": "Path of the machine at its BMC. Required where there are more.",
            "redfish_username": "Who is known at the BMC. Optional.",
            "redfish_password": "The password. Optional.",
            "redfish_verify_ca": "True, False or the path of a certificate file. Optional.",
            "redfish_auth_type": f"One of {', '.join(AUTH)}. Optional.",
        },
        ramdisk=True,
    )

    def __init__(self, places: Places) -> None:
        self._places = places

    def lacks(self, info: Mapping[str, Any]) -> Mapping[str, str]:
        reason = _lacking(info)
        whole = ("power", "management", "inspect", "boot", "bios")
        return {} if reason is None else dict.fromkeys(whole, reason)

    # --- calls ---------------------------------------------------------------------------------

    async def _do(self, machine: Machine, what: Callable[[Any], T]) -> T:
        """`what` with the machine's system, in a thread. Raises Rejected, OSError."""
        return await pools.NET(self._call, machine, what)

    def _call(self, machine: Machine, what: Callable[[Any], T]) -> T:
        info = machine.info
        reason = _lacking(info) or self._places.bmc_problem(str(info["redfish_address"]))
        if reason is not None:
            raise Rejected(reason)
        with _said(info) as sushy:
            root = _connected(sushy, info)
            system = root.get_system(info.get("redfish_system_id"))
            return what(system)

    async def power(self, machine: Machine) -> str:
        return await self._do(machine, _power)

    async def set_power(self, machine: Machine, target: str, token: str) -> None:
        """A BMC does not know tokens: a reboot that was asked for when the control plane died is
        asked for again."""

        def change(system: Any) -> bool:
            now = _power(system)
            if now == target or (now == POWER_OFF and target == "soft power off"):
                return True
            kind = RESETS[target]
            if now == POWER_OFF and target.endswith("rebooting"):
                kind = "On"
            allowed = {each.value for each in system.get_allowed_reset_system_values()}
            if kind not in allowed and kind == "GracefulRestart":
                kind = "ForceRestart"
            system.reset_system(_sushy().ResetType(kind))
            return False

        if not await self._do(machine, change):
            await settled(lambda: self.power(machine), target)

    async def boot_device(self, machine: Machine) -> tuple[str | None, bool]:
        def look(system: Any) -> tuple[str | None, bool]:
            boot = system.boot
            words = {value: key for key, value in DEVICES.items()}
            target = None if boot.target is None else words.get(boot.target.value)
            enabled = "Disabled" if boot.enabled is None else boot.enabled.value
            return (None, False) if enabled == "Disabled" else (target, enabled == "Continuous")

        return await self._do(machine, look)

    async def set_boot_device(self, machine: Machine, device: str, persistent: bool) -> None:
        def change(system: Any) -> None:
            sushy = _sushy()
            system.set_system_boot_options(
                target=sushy.BootSource(DEVICES[device]),
                enabled=sushy.BootSourceOverrideEnabled("Continuous" if persistent else "Once"),
            )

        await self._do(machine, change)

    # --- media ---------------------------------------------------------------------------------

    async def insert(self, machine: Machine, url: str) -> None:
        def change(system: Any) -> None:
            drive = _drive(system)
            if drive.inserted:
                if drive.image == url:
                    return
                drive.eject_media()
            drive.insert_media(url, inserted=True, write_protected=True)

        await self._do(machine, change)

    async def eject(self, machine: Machine) -> None:
        def change(system: Any) -> None:
            drive = _drive(system)
            if drive.inserted:
                drive.eject_media()

        await self._do(machine, change)

    # --- the rest ------------------------------------------------------------------------------

    async def nmi(self, machine: Machine) -> None:
        await self._do(machine, lambda system: system.reset_system(_sushy().ResetType("Nmi")))

    async def set_boot_mode(self, machine: Machine, mode: str) -> None:
        def change(system: Any) -> None:
            wanted = _sushy().BootSourceOverrideMode({"uefi": "UEFI", "bios": "Legacy"}[mode])
            system.set_system_boot_options(mode=wanted)

        await self._do(machine, change)

    async def set_secure_boot(self, machine: Machine, on: bool) -> None:
        await self._do(machine, lambda system: system.secure_boot.set_enabled(on))

    async def indicator(self, machine: Machine, component: str, light: str) -> str:
        def look(system: Any) -> str:
            led = system.indicator_led
            return LEDS.get("" if led is None else led.value, "UNKNOWN")

        return await self._do(machine, look)

    async def set_indicator(self, machine: Machine, component: str, light: str, state: str) -> None:
        wanted = next(word for word, shown in LEDS.items() if shown == state)
        await self._do(
            machine, lambda system: system.set_indicator_led(_sushy().IndicatorLED(wanted))
        )

    async def bios(self, machine: Machine) -> Sequence[Mapping[str, str]]:
        def look(system: Any) -> list[Mapping[str, str]]:
            found = system.bios.attributes
            pairs = found.items() if isinstance(found, dict) else ()
            return [
                {"name": str(name)[:255], "value": str(value)[:255]}
                for name, value in list(pairs)[:MOST_SETTINGS]
            ]

        return await self._do(machine, look)

    async def set_bios(self, machine: Machine, settings: Mapping[str, str] | None) -> None:
        def change(system: Any) -> None:
            if settings is None:
                system.bios.reset_bios()
                return
            known = system.bios.attributes
            unknown = sorted(set(settings) - set(known))
            if unknown:
                raise Rejected(f"the machine has no BIOS settings {', '.join(unknown)[:200]}")
            system.bios.set_attributes({n: _as(known[n], v) for n, v in settings.items()})

        await self._do(machine, change)

    # --- what it is ----------------------------------------------------------------------------

    async def inspect(self, machine: Machine) -> Inspected:
        return await self._do(machine, _inspected)

    async def begin(self, machine: Machine, work: str, token: str) -> None:
        raise Rejected(f"a BMC does no {work}: an agent does")

    async def finished(self, machine: Machine, work: str, token: str) -> bool:
        raise Rejected(f"a BMC does no {work}: an agent does")

    def forget(self, machine_id: str) -> None:
        """Nothing is kept."""


def _sushy() -> Any:
    """Imported when the first BMC is spoken to: it is large."""
    import sushy

    return sushy


def _as(known: Any, given: str) -> Any:
    """A setting in the type that the machine has it in."""
    if isinstance(known, bool):
        return given.lower() == "true"
    return int(given) if isinstance(known, int) and given.lstrip("-").isdecimal() else given


def _lacking(info: Mapping[str, Any]) -> str | None:
    address = info.get("redfish_address")
    if not isinstance(address, str) or not address:
        return "Missing mandatory Redfish connection information: redfish_address"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or len(address) > 255:
        return "redfish_address has to be an http or https URL"
    system = info.get("redfish_system_id")
    if system is not None and (
        not isinstance(system, str) or not system.startswith("/") or len(system) > 255
    ):
        return "redfish_system_id has to be the path of the machine, as /redfish/v1/Systems/ID"
    if info.get("redfish_auth_type", "auto") not in AUTH:
        return f"redfish_auth_type has to be one of {', '.join(AUTH)}"
    for name in ("redfish_username", "redfish_password"):
        if not isinstance(info.get(name, ""), str):
            return f"{name} has to be a text"
    return None


def _verify(info: Mapping[str, Any]) -> bool | str:
    given = info.get("redfish_verify_ca", True)
    if isinstance(given, bool):
        return given
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words.get(str(given).lower(), str(given))


def _connected(sushy: Any, info: Mapping[str, Any]) -> Any:
    from sushy import auth, connector

    from cumulo.baremetal.drivers.redfish_wire import confine

    address, verify = str(info["redfish_address"]), _verify(info)
    made = connector.Connector(
        address, verify=verify, default_request_timeout=READ_SECONDS,
        connect_timeout=CONNECT_SECONDS,
    )  # fmt: skip
    confine(made, address, MOST_BYTES)
    kinds = {"basic": auth.BasicAuth, "session": auth.SessionAuth}
    kind = kinds.get(str(info.get("redfish_auth_type", "auto")), auth.SessionOrBasicAuth)
    user, password = info.get("redfish_username"), info.get("redfish_password")
    if user is None and password is None:
        kind = auth.BasicAuth
    proof = kind(username=user, password=password)
    return sushy.Sushy(address, auth=proof, connector=made)


@contextmanager
def _said(info: Mapping[str, Any]) -> Iterator[Any]:
    """sushy's exceptions in our words: what a BMC refuses is final, silence is not."""
    import sushy
    from requests import exceptions as wire
    from sushy import exceptions

    from cumulo.baremetal.drivers.redfish_wire import Elsewhere

    address = str(info.get("redfish_address"))
    try:
        yield sushy
    except Elsewhere as error:
        raise Rejected(f"the BMC at {address} cannot be used: {error}") from None
    except exceptions.AccessError:
        raise Rejected(f"the BMC at {address} does not accept the user and password") from None
    except (exceptions.ConnectionError, wire.RequestException) as error:
        raise OSError(f"the BMC at {address} does not answer: {str(error)[:500]}") from None
    except exceptions.ServerSideError as error:
        raise OSError(f"the BMC at {address} failed: {str(error)[:500]}") from None
    except exceptions.SushyError as error:
        raise Rejected(f"the BMC at {address} refuses: {str(error)[:1000]}") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        # What it answered is no Redfish.
        told = f"{type(error).__name__}: {str(error)[:300]}"
        raise Rejected(f"the BMC at {address} makes no sense: {told}") from None


def _power(system: Any) -> str:
    system.refresh(force=True)
    state = "" if system.power_state is None else str(system.power_state.value)
    if state in ("On", "PoweringOff"):
        return POWER_ON
    if state in ("Off", "PoweringOn"):
        return POWER_OFF
    raise Rejected("the BMC does not know whether its machine has power")


def _drive(system: Any) -> Any:
    """The first virtual drive that takes a CD."""
    for manager in system.managers:
        for medium in manager.virtual_media.get_members():
            if {"CD", "DVD"} & {str(each.value) for each in medium.media_types}:
                return medium
    raise Rejected("the BMC has no virtual CD drive")


def _inspected(system: Any) -> Inspected:
    found: dict[str, Any] = {}
    body = system.json
    memory = (body.get("MemorySummary") or {}).get("TotalSystemMemoryGiB")
    if isinstance(memory, (int, float)) and not isinstance(memory, bool) and 0 < memory < 1 << 20:
        found["memory_mb"] = int(memory * 1024)
    cpus = body.get("ProcessorSummary") or {}
    count = cpus.get("LogicalProcessorCount") or cpus.get("Count")
    if isinstance(count, int) and 0 < count < 1 << 16:
        found["cpus"] = count
    found["cpu_arch"] = "x86_64"
    size = _largest_disk(system)
    if size:
        found["local_gb"] = size >> 30
    if isinstance(system.manufacturer, str):
        found["vendor"] = system.manufacturer[:255]
    addresses: list[str] = []
    for card in system.ethernet_interfaces.get_members():
        if isinstance(card.mac_address, str) and len(addresses) < 256:
            addresses.append(card.mac_address)
    return Inspected(found, tuple(addresses), _inventory(system, found, addresses))


def _inventory(system: Any, found: Mapping[str, Any], addresses: Sequence[str]) -> Any:
    """The same as agents tell it, as far as a BMC knows."""
    told = {"manufacturer": system.manufacturer, "product_name": system.model,
            "serial_number": system.serial_number}  # fmt: skip
    return {
        "cpu": {"count": found.get("cpus"), "architecture": found["cpu_arch"]},
        "memory": {"physical_mb": found.get("memory_mb")},
        "disks": [{"size": found["local_gb"] << 30}] if "local_gb" in found else [],
        "interfaces": [{"mac_address": each} for each in addresses],
        "system_vendor": {k: None if v is None else str(v)[:255] for k, v in told.items()},
        "boot": {"current_boot_mode": None},
    }


def _largest_disk(system: Any) -> int:
    from sushy import exceptions

    for name in ("simple_storage", "storage"):
        try:
            sizes = (
                getattr(system, name).disks_sizes_bytes
                if name == "simple_storage"
                else [
                    drive.capacity_bytes
                    for each in system.storage.get_members()
                    for drive in each.drives
                ]
            )
        except (exceptions.SushyError, AttributeError):
            continue
        whole = [size for size in sizes if isinstance(size, int) and 0 < size < 1 << 60]
        if whole:
            return max(whole)
    return 0
