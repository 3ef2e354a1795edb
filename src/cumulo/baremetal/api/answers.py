"""What bare metal answers, operation by operation: see `core.http.responses`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty, Octets
from cumulo.core.wire.shapes import Body


class ShardsAnswer(Body, kw_only=True):
    shards: list[Any]


class Bios(Body, kw_only=True):
    result: bool


class Firmware(Body, kw_only=True):
    reason: str
    result: bool


class ValidateAnswer(Body, kw_only=True):
    bios: Bios
    boot: Bios
    console: Bios
    deploy: Bios
    firmware: Firmware
    inspect: Bios
    management: Bios
    network: Bios
    power: Bios
    raid: Bios
    rescue: Bios
    storage: Bios
    vendor: Bios


class TraitsAnswer(Body, kw_only=True):
    traits: list[str]


class StatesAnswer(Body, kw_only=True):
    console_enabled: bool
    last_error: Any
    power_state: str | None
    provision_state: str
    provision_updated_at: str
    target_power_state: str | None
    target_provision_state: str | None


class BootDeviceAnswer(Body, kw_only=True):
    boot_device: str
    persistent: bool


class SupportedAnswer(Body, kw_only=True):
    supported_boot_devices: list[str]


class Link(Body, kw_only=True):
    href: str
    rel: str


class VolumeAnswer(Body, kw_only=True):
    connectors: list[Link]
    links: list[Link]
    targets: list[Link]


class Driver(Body, kw_only=True):
    hosts: list[str]
    links: list[Link]
    name: str
    properties: list[Link] | UnsetType = UNSET
    type: str | UnsetType = UNSET


class DriversAnswer(Body, kw_only=True):
    drivers: list[Driver]


class DriverAnswer(Body, kw_only=True):
    default_bios_interface: str | UnsetType = UNSET
    default_boot_interface: str | UnsetType = UNSET
    default_console_interface: str | UnsetType = UNSET
    default_deploy_interface: str | UnsetType = UNSET
    default_firmware_interface: str | UnsetType = UNSET
    default_inspect_interface: str | UnsetType = UNSET
    default_management_interface: str | UnsetType = UNSET
    default_network_interface: str | UnsetType = UNSET
    default_power_interface: str | UnsetType = UNSET
    default_raid_interface: str | UnsetType = UNSET
    default_rescue_interface: str | UnsetType = UNSET
    default_storage_interface: str | UnsetType = UNSET
    default_vendor_interface: str | UnsetType = UNSET
    enabled_bios_interfaces: list[str] | UnsetType = UNSET
    enabled_boot_interfaces: list[str] | UnsetType = UNSET
    enabled_console_interfaces: list[str] | UnsetType = UNSET
    enabled_deploy_interfaces: list[str] | UnsetType = UNSET
    enabled_firmware_interfaces: list[str] | UnsetType = UNSET
    enabled_inspect_interfaces: list[str] | UnsetType = UNSET
    enabled_management_interfaces: list[str] | UnsetType = UNSET
    enabled_network_interfaces: list[str] | UnsetType = UNSET
    enabled_power_interfaces: list[str] | UnsetType = UNSET
    enabled_raid_interfaces: list[str] | UnsetType = UNSET
    enabled_rescue_interfaces: list[str] | UnsetType = UNSET
    enabled_storage_interfaces: list[str] | UnsetType = UNSET
    enabled_vendor_interfaces: list[str] | UnsetType = UNSET
    hosts: list[str]
    links: list[Link]
    name: str
    properties: list[Link] | UnsetType = UNSET
    type: str | UnsetType = UNSET


class Conductor(Body, kw_only=True):
    alive: bool
    conductor_group: str
    hostname: str
    links: list[Link]


class ConductorsAnswer(Body, kw_only=True):
    conductors: list[Conductor]


class ConductorAnswer(Body, kw_only=True):
    alive: bool
    conductor_group: str
    created_at: str
    drivers: list[str]
    hostname: str
    links: list[Link]
    updated_at: str


class ChildrenAnswer(Body, kw_only=True):
    children: list[str]


class ConsoleInfo(Body, kw_only=True):
    type: str
    url: str | None


class ConsoleAnswer(Body, kw_only=True):
    console_enabled: bool
    console_info: ConsoleInfo | None


class IndicatorPlace(Body, kw_only=True):
    links: list[Link]
    name: str


class IndicatorPlacesAnswer(Body, kw_only=True):
    components: list[IndicatorPlace]


class Indicator(Body, kw_only=True):
    links: list[Link]
    name: str
    readonly: bool
    states: list[str]


class IndicatorsAnswer(Body, kw_only=True):
    indicators: list[Indicator]


class IndicatorAnswer(Body, kw_only=True):
    state: str


class BiosSetting(Body, kw_only=True):
    """With what its registry says of it, where that is asked for (1.74)."""

    allowable_values: Any = UNSET
    attribute_type: Any = UNSET
    created_at: str | None
    links: list[Link]
    lower_bound: Any = UNSET
    max_length: Any = UNSET
    min_length: Any = UNSET
    name: str
    read_only: Any = UNSET
    reset_required: Any = UNSET
    unique: Any = UNSET
    updated_at: str | None
    upper_bound: Any = UNSET
    value: str | None


class BiosAnswer(Body, kw_only=True):
    bios: list[BiosSetting]


class FirmwareAnswer(Body, kw_only=True):
    firmware: list[Any]


class HistoryEntry(Body, kw_only=True):
    conductor: str | UnsetType | None = UNSET
    created_at: str | None
    event: str
    event_type: str | UnsetType | None = UNSET
    links: list[Link]
    severity: str
    user: str | UnsetType | None = UNSET
    uuid: str


class HistoryAnswer(Body, kw_only=True):
    history: list[HistoryEntry]
    next: str | UnsetType = UNSET


class InventoryAnswer(Body, kw_only=True):
    inventory: dict[str, Any]
    plugin_data: dict[str, Any]


class Vif(Body, kw_only=True):
    id: str


class VifsAnswer(Body, kw_only=True):
    vifs: list[Vif]


ANSWERS: dict[str, Any] = {
    "DELETE /nodes/{node}/maintenance": Empty,
    "GET ": dict[str, Any],
    "GET /agent/boot.ipxe": Octets,
    "GET /conductors": ConductorsAnswer,
    "GET /conductors/{host}": ConductorAnswer,
    "GET /drivers": DriversAnswer,
    "GET /drivers/{driver}": DriverAnswer,
    "GET /drivers/{driver}/properties": dict[str, Any],
    "GET /drivers/{driver}/vendor_passthru/methods": dict[str, Any],
    "GET /nodes/{node}/management/boot_device": BootDeviceAnswer,
    "GET /nodes/{node}/management/boot_device/supported": SupportedAnswer,
    "GET /nodes/{node}/states": StatesAnswer,
    "GET /nodes/{node}/traits": TraitsAnswer,
    "GET /nodes/{node}/validate": ValidateAnswer,
    "GET /shards": ShardsAnswer,
    "GET /volume": VolumeAnswer,
    "POST /heartbeat": Empty,
    "POST /heartbeat/{node}": Empty,
    "PUT /nodes/{node}/maintenance": Empty,
    "PUT /nodes/{node}/states/boot_mode": Empty,
    "PUT /nodes/{node}/states/console": Empty,
    "PUT /nodes/{node}/states/power": Empty,
    "PUT /nodes/{node}/states/provision": Empty,
    "PUT /nodes/{node}/states/secure_boot": Empty,
    "PUT /nodes/{node}/vmedia": Empty,
    "GET /nodes/{node}/children": ChildrenAnswer,
    "GET /nodes/{node}/states/console": ConsoleAnswer,
    "GET /nodes/states/console/{node}": ConsoleAnswer,
    "GET /nodes/{node}/management/indicators": IndicatorPlacesAnswer,
    "GET /nodes/{node}/management/indicators/{component}": IndicatorsAnswer,
    "GET /nodes/{node}/management/indicators/{component}/{light}": IndicatorAnswer,
    "GET /nodes/{node}/bios": BiosAnswer,
    "GET /nodes/{node}/bios/{setting}": dict[str, BiosSetting],
    "GET /nodes/{node}/firmware": FirmwareAnswer,
    "GET /nodes/{node}/history": HistoryAnswer,
    "GET /nodes/{node}/inventory": InventoryAnswer,
    "GET /nodes/{node}/volume": VolumeAnswer,
    "GET /nodes/{node}/vendor_passthru/methods": dict[str, Any],
    "GET /nodes/{node}/vifs": VifsAnswer,
    "GET /runbooks/{ident}/traits": TraitsAnswer,
    "GET /drivers/{driver}/raid/logical_disk_properties": dict[str, str],
    "GET /agent/boot/{address}": Octets,
    "GET /agent/{node}/{ticket}/boot/{name}": Octets,
    "GET /agent/{node}/{ticket}/boot.iso": Octets,
    "GET /agent/{node}/{ticket}/image": Octets,
}
