"""What a server looks like on the wire, in each version."""

from typing import Annotated, Any

from msgspec import UNSET, field

from cumulo.compute.api.common import Links
from cumulo.core.wire.shapes import Body, Since, Unset, Until

ATTRIBUTES = "os_compute_api:os-extended-server-attributes"
_PROGRESS = ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING", "DELETED")


class FlavorOfServer(Body, kw_only=True):
    """API 2.47: the flavor as it was; before it a link."""

    id: Annotated[str | Unset, Until("2.46")]
    links: Annotated[Links | Unset, Until("2.46")]
    vcpus: Annotated[int | Unset, Since("2.47")]
    ram: Annotated[int | Unset, Since("2.47")]
    disk: Annotated[int | Unset, Since("2.47")]
    ephemeral: Annotated[int | Unset, Since("2.47")]
    swap: Annotated[int | Unset, Since("2.47")]
    original_name: Annotated[str | Unset, Since("2.47")]
    extra_specs: Annotated[dict[str, str] | Unset, Since("2.47")] = UNSET


class ImageOfServer(Body, kw_only=True):
    id: str
    links: Links
    properties: Annotated[dict[str, str] | Unset, Since("2.98")] = UNSET


class VolumeOfServer(Body, kw_only=True):
    id: str
    delete_on_termination: Annotated[bool | Unset, Since("2.3")]


class AddressBody(Body, kw_only=True):
    version: int
    addr: str
    kind: str | Unset = field(name="OS-EXT-IPS:type", default=UNSET)
    mac: str | Unset = field(name="OS-EXT-IPS-MAC:mac_addr", default=UNSET)


class AddressOfUpdated(AddressBody, kw_only=True):
    kind: Annotated[str | Unset, Since("2.75")] = field(name="OS-EXT-IPS:type", default=UNSET)
    mac: Annotated[str | Unset, Since("2.75")] = field(
        name="OS-EXT-IPS-MAC:mac_addr", default=UNSET
    )


class ServerSummary(Body, kw_only=True):
    id: str
    name: str
    links: Links


class ServerBody(ServerSummary, kw_only=True):
    """GET of a server, and one of the detailed list."""

    status: str
    tenant_id: str
    user_id: str
    metadata: dict[str, str]
    hostId: str
    image: ImageOfServer | str
    flavor: FlavorOfServer
    created: str
    updated: str
    addresses: dict[str, list[AddressBody]]
    accessIPv4: str
    accessIPv6: str
    disk_config: str = field(name="OS-DCF:diskConfig")
    progress: int | Unset = UNSET
    fault: dict[str, Any] | Unset = UNSET
    zone: str | Unset = field(name="OS-EXT-AZ:availability_zone", default=UNSET)
    config_drive: str | Unset = UNSET
    key_name: str | Unset | None = None
    launched_at: str | Unset | None = field(name="OS-SRV-USG:launched_at", default=None)
    terminated_at: str | Unset | None = field(name="OS-SRV-USG:terminated_at", default=None)
    task_state: str | Unset | None = field(name="OS-EXT-STS:task_state", default=None)
    vm_state: str | Unset = field(name="OS-EXT-STS:vm_state", default=UNSET)
    power_state: int | Unset = field(name="OS-EXT-STS:power_state", default=UNSET)
    volumes: list[VolumeOfServer] | Unset = field(
        name="os-extended-volumes:volumes_attached", default=UNSET
    )
    security_groups: list[dict[str, str]] | Unset = UNSET
    host: str | Unset | None = field(name="OS-EXT-SRV-ATTR:host", default=UNSET)
    hypervisor: str | Unset | None = field(
        name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=UNSET
    )
    instance_name: str | Unset = field(name="OS-EXT-SRV-ATTR:instance_name", default=UNSET)
    reservation_id: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:reservation_id", default=UNSET
    )
    launch_index: Annotated[int | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:launch_index", default=UNSET
    )
    kernel_id: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:kernel_id", default=UNSET
    )
    ramdisk_id: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:ramdisk_id", default=UNSET
    )
    root_device_name: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:root_device_name", default=UNSET
    )
    user_data: Annotated[str | Unset | None, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:user_data", default=UNSET
    )
    admin_hostname: Annotated[str | Unset, Since("2.3"), Until("2.89")] = UNSET
    hostname: Annotated[str | Unset, Since("2.90")] = UNSET
    locked: Annotated[bool | Unset, Since("2.9")] = UNSET
    host_status: Annotated[str | Unset, Since("2.16")] = UNSET
    description: Annotated[str | Unset | None, Since("2.19")] = None
    tags: Annotated[list[str] | Unset, Since("2.26")] = UNSET
    trusted_image_certificates: Annotated[list[str] | Unset | None, Since("2.63")] = None
    server_groups: Annotated[list[str] | Unset, Since("2.71")] = UNSET
    locked_reason: Annotated[str | Unset | None, Since("2.73")] = None
    pinned_availability_zone: Annotated[str | Unset | None, Since("2.96")] = None
    scheduler_hints: Annotated[dict[str, Any] | Unset, Since("2.100")] = UNSET


_LATE = Since("2.75")


class UpdatedServer(ServerBody, kw_only=True):
    """The answer to PUT: before API 2.75 without the attributes of extensions."""

    addresses: dict[str, list[AddressOfUpdated]]  # type: ignore[assignment]
    zone: Annotated[str | Unset, _LATE] = field(name="OS-EXT-AZ:availability_zone", default=UNSET)
    config_drive: Annotated[str | Unset, _LATE] = UNSET
    key_name: Annotated[str | Unset | None, _LATE] = None
    launched_at: Annotated[str | Unset | None, _LATE] = field(
        name="OS-SRV-USG:launched_at", default=None
    )
    terminated_at: Annotated[str | Unset | None, _LATE] = field(
        name="OS-SRV-USG:terminated_at", default=None
    )
    task_state: Annotated[str | Unset | None, _LATE] = field(
        name="OS-EXT-STS:task_state", default=None
    )
    vm_state: Annotated[str | Unset, _LATE] = field(name="OS-EXT-STS:vm_state", default=UNSET)
    power_state: Annotated[int | Unset, _LATE] = field(name="OS-EXT-STS:power_state", default=UNSET)
    volumes: Annotated[list[VolumeOfServer] | Unset, _LATE] = field(
        name="os-extended-volumes:volumes_attached", default=UNSET
    )
    security_groups: Annotated[list[dict[str, str]] | Unset, _LATE] = UNSET
    host: Annotated[str | Unset | None, _LATE] = field(name="OS-EXT-SRV-ATTR:host", default=UNSET)
    hypervisor: Annotated[str | Unset | None, _LATE] = field(
        name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=UNSET
    )
    instance_name: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:instance_name", default=UNSET
    )
    reservation_id: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:reservation_id", default=UNSET
    )
    launch_index: Annotated[int | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:launch_index", default=UNSET
    )
    kernel_id: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:kernel_id", default=UNSET
    )
    ramdisk_id: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:ramdisk_id", default=UNSET
    )
    root_device_name: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:root_device_name", default=UNSET
    )
    user_data: Annotated[str | Unset | None, _LATE] = field(
        name="OS-EXT-SRV-ATTR:user_data", default=UNSET
    )
    host_status: Annotated[str | Unset, _LATE] = UNSET
