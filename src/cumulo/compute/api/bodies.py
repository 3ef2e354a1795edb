"""Request bodies of servers."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, field

from cumulo.compute.api.common import Metadata, Name, Text
from cumulo.core.wire.coercions import BoolLike, IntLike, Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Until

Hostname = Annotated[
    str, Meta(min_length=2, max_length=63, pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\Z")
]
Fqdn = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=255,
        pattern=r"^(?=[^.]{1,63}(\.|\Z))[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
        r"(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\Z",
    ),
]
Tag = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^,/]*\Z")]
Description = Annotated[str, Meta(max_length=255)]
DiskConfig = Literal["AUTO", "MANUAL"]
_FEW = Meta(max_length=100)
Password = Annotated[str, Meta(max_length=255)]
Reference = Annotated[str, Meta(max_length=2048)]
"""An id, or a link that ends in one."""
FlavorRef = Annotated[str, Meta(min_length=1, max_length=2048)] | int


class NetworkWish(StrictBody, kw_only=True):
    uuid: Uuid | None = None
    port: Uuid | None = None
    fixed_ip: Text | None = None
    tag: Annotated[Tag | Unset, Since("2.32")] = UNSET


class GroupName(StrictBody):
    name: Annotated[str, Meta(min_length=1, max_length=255)]


class Mapping(StrictBody, kw_only=True):
    """One entry of `block_device_mapping_v2`."""

    source_type: Literal["image", "volume", "snapshot", "blank"]
    destination_type: Literal["local", "volume"] | None = None
    uuid: Text | None = None
    boot_index: IntLike | None = None
    delete_on_termination: BoolLike = False
    device_name: Text | None = None
    volume_size: IntLike | None = None
    guest_format: Text | None = None
    device_type: Text | None = None
    disk_bus: Text | None = None
    no_device: BoolLike = False
    tag: Annotated[Tag | Unset, Since("2.32")] = UNSET
    volume_type: Annotated[Text | Unset | None, Since("2.67")] = UNSET


class OldMapping(StrictBody, kw_only=True):
    """One entry of `block_device_mapping`."""

    device_name: Text | None = None
    volume_id: Text | None = None
    snapshot_id: Text | None = None
    volume_size: IntLike | None = None
    delete_on_termination: BoolLike = False
    virtual_name: Text | None = None
    no_device: Any = None


class NewServer(StrictBody, kw_only=True):
    name: Name
    flavorRef: FlavorRef
    imageRef: Reference = ""
    adminPass: Password | None = None
    metadata: Metadata = {}
    networks: (
        Annotated[list[NetworkWish], Meta(max_length=100)]
        | Annotated[str, Meta(pattern="^(auto|none)$")]
        | None
    )
    disk_config: DiskConfig = field(name="OS-DCF:diskConfig", default="MANUAL")
    accessIPv4: Text = ""
    accessIPv6: Text = ""
    personality: Annotated[Annotated[list[dict[str, str]], _FEW] | Unset, Until("2.56")] = UNSET
    availability_zone: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    config_drive: BoolLike | None = None
    user_data: Annotated[str, Meta(max_length=65535)] | None = None
    key_name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    security_groups: Annotated[list[GroupName], _FEW] = []
    min_count: IntLike | None = None
    max_count: IntLike | None = None
    return_reservation_id: BoolLike = False
    block_device_mapping: Annotated[list[OldMapping], _FEW] = []
    block_device_mapping_v2: Annotated[list[Mapping], Meta(max_length=255)] = []
    description: Annotated[Description | Unset | None, Since("2.19")] = UNSET
    tags: Annotated[Annotated[list[Tag], Meta(max_length=50)] | Unset, Since("2.52")] = UNSET
    trusted_image_certificates: Annotated[
        Annotated[list[str], _FEW] | Unset | None, Since("2.63")
    ] = UNSET
    host: Annotated[str | Unset, Since("2.74")] = UNSET
    hypervisor_hostname: Annotated[str | Unset, Since("2.74")] = UNSET
    hostname: Fqdn | Unset = UNSET


class NewServerBefore294(NewServer, kw_only=True):
    """A host name is one label."""

    hostname: Annotated[Hostname | Unset, Since("2.90")] = UNSET


class NewServerBefore237(NewServerBefore294, kw_only=True):
    """`networks` may be left out."""

    networks: Annotated[list[NetworkWish], Meta(max_length=100)] | None = None


class CreateServer(Body, kw_only=True):
    server: NewServer
    hints: dict[str, Any] | None = field(name="os:scheduler_hints", default=None)
    other_hints: dict[str, Any] | None = field(name="OS-SCH-HNT:scheduler_hints", default=None)


class CreateServerBefore294(CreateServer, kw_only=True):
    server: NewServerBefore294


class CreateServerBefore237(CreateServer, kw_only=True):
    server: NewServerBefore237


class ChangedServer(StrictBody, kw_only=True):
    name: Name | Unset = UNSET
    accessIPv4: str | Unset = UNSET
    accessIPv6: str | Unset = UNSET
    disk_config: DiskConfig | Unset = field(name="OS-DCF:diskConfig", default=UNSET)
    description: Annotated[Description | Unset | None, Since("2.19")] = UNSET
    hostname: Fqdn | Unset = UNSET


class ChangedServerBefore294(ChangedServer, kw_only=True):
    hostname: Annotated[Hostname | Unset, Since("2.90")] = UNSET


class ChangedServerFrom2104(ChangedServer, kw_only=True):
    pinned_availability_zone: Annotated[str, Meta(max_length=255)] | Unset | None = UNSET


class UpdateServer(StrictBody):
    server: ChangedServer


class UpdateServerFrom2104(StrictBody):
    server: ChangedServerFrom2104


class UpdateServerBefore294(StrictBody):
    server: ChangedServerBefore294


class MetadataBody(StrictBody):
    metadata: Metadata


class MetaBody(StrictBody):
    meta: Metadata


class TagsBody(StrictBody):
    tags: Annotated[list[Tag], _FEW]


class Reboot(StrictBody):
    type: str


class RebootAction(StrictBody):
    reboot: Reboot


class StartAction(StrictBody):
    start: Any = field(name="os-start")


class StopAction(StrictBody):
    stop: Any = field(name="os-stop")


class PauseAction(StrictBody):
    pause: Any


class UnpauseAction(StrictBody):
    unpause: Any


class LockReason(StrictBody):
    locked_reason: Annotated[str, Meta(min_length=1, max_length=255)] | Unset = UNSET


class OldLockAction(StrictBody):
    lock: Any


class LockAction(StrictBody):
    lock: LockReason | None


class UnlockAction(StrictBody):
    unlock: Any = None


class ForceDeleteAction(StrictBody):
    forceDelete: Any = None


class NewState(StrictBody):
    state: Literal["active", "error"]


class ResetStateAction(StrictBody):
    reset: NewState = field(name="os-resetState")


class ConsoleLines(StrictBody):
    length: IntLike | None = None


class ConsoleAction(StrictBody):
    console: ConsoleLines = field(name="os-getConsoleOutput")


class NewAttachment(StrictBody, kw_only=True):
    volumeId: Uuid
    device: Annotated[str, Meta(max_length=255, pattern=r"^(/dev/)?[a-z]+[0-9]*\Z")] | None = None
    tag: Annotated[Tag | Unset, Since("2.49")] = UNSET
    delete_on_termination: Annotated[BoolLike | Unset, Since("2.79")] = UNSET


class AttachVolume(StrictBody):
    volumeAttachment: NewAttachment


class SwappedAttachment(StrictBody, kw_only=True):
    volumeId: Uuid
    id: Annotated[Uuid | Unset, Since("2.85")] = UNSET
    serverId: Annotated[Uuid | Unset, Since("2.85")] = UNSET
    device: Annotated[Text | Unset | None, Since("2.85")] = UNSET
    tag: Annotated[Tag | Unset | None, Since("2.85")] = UNSET
    delete_on_termination: Annotated[BoolLike | Unset, Since("2.85")] = UNSET


class SwapVolume(StrictBody):
    volumeAttachment: SwappedAttachment


class FixedIpWish(StrictBody):
    ip_address: str


class NewInterface(StrictBody, kw_only=True):
    net_id: Uuid | None = None
    port_id: Uuid | None = None
    fixed_ips: Annotated[list[FixedIpWish], Meta(min_length=1, max_length=1)] | None = None
    tag: Annotated[Tag | Unset, Since("2.49")] = UNSET


class AttachInterface(StrictBody):
    interfaceAttachment: NewInterface = field(default_factory=NewInterface)


# --- actions that change a server as a whole ---------------------------------------------------

HostName = Annotated[str, Meta(min_length=1, max_length=255)]
UserData = Annotated[str, Meta(max_length=65535)]


class SuspendAction(StrictBody):
    suspend: Any


class ResumeAction(StrictBody):
    resume: Any


class Rescue(StrictBody, kw_only=True):
    adminPass: Password | Unset = UNSET
    rescue_image_ref: Uuid | Unset = UNSET


class RescueAction(StrictBody):
    rescue: Rescue | None


class UnrescueAction(StrictBody):
    unrescue: Any


class Rebuild(StrictBody, kw_only=True):
    imageRef: Reference
    name: Name | Unset = UNSET
    adminPass: Password | Unset = UNSET
    metadata: Metadata | Unset = UNSET
    preserve_ephemeral: BoolLike = False
    disk_config: DiskConfig | Unset = field(name="OS-DCF:diskConfig", default=UNSET)
    accessIPv4: str | Unset = UNSET
    accessIPv6: str | Unset = UNSET
    personality: Annotated[Annotated[list[dict[str, str]], _FEW] | Unset, Until("2.56")] = UNSET
    description: Annotated[Description | Unset | None, Since("2.19")] = UNSET
    key_name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | Unset | None, Since("2.54")
    ] = UNSET
    user_data: Annotated[UserData | Unset | None, Since("2.57")] = UNSET
    trusted_image_certificates: Annotated[
        Annotated[list[str], Meta(min_length=1, max_length=50)] | Unset | None, Since("2.63")
    ] = UNSET
    hostname: Fqdn | Unset = UNSET


class RebuildBefore294(Rebuild, kw_only=True):
    hostname: Annotated[Hostname | Unset, Since("2.90")] = UNSET


class RebuildAction(StrictBody):
    rebuild: Rebuild


class RebuildActionBefore294(StrictBody):
    rebuild: RebuildBefore294


class Resize(StrictBody, kw_only=True):
    flavorRef: FlavorRef
    disk_config: DiskConfig | Unset = field(name="OS-DCF:diskConfig", default=UNSET)


class ResizeAction(StrictBody):
    resize: Resize


class ConfirmResizeAction(StrictBody):
    confirmResize: Any


class RevertResizeAction(StrictBody):
    revertResize: Any


class OldMigrateAction(StrictBody):
    migrate: Any


class Migrate(StrictBody):
    host: HostName | None = None


class MigrateAction(StrictBody):
    migrate: Migrate | None


class EvacuateBefore214(StrictBody, kw_only=True):
    host: HostName | Unset = UNSET
    onSharedStorage: BoolLike
    adminPass: Password | Unset = UNSET


class Evacuate(StrictBody, kw_only=True):
    host: HostName | Unset = UNSET
    force: Annotated[BoolLike | Unset, Since("2.29"), Until("2.67")] = UNSET
    adminPass: Password | Unset = UNSET


class EvacuateActionBefore214(StrictBody):
    evacuate: EvacuateBefore214


class EvacuateAction(StrictBody):
    evacuate: Evacuate


class CreateImage(StrictBody, kw_only=True):
    name: Name
    metadata: Metadata = {}


class CreateImageAction(StrictBody):
    createImage: CreateImage


class CreateBackup(StrictBody, kw_only=True):
    name: Name
    backup_type: Annotated[str, Meta(max_length=255)]
    rotation: IntLike
    metadata: Metadata = {}


class CreateBackupAction(StrictBody):
    createBackup: CreateBackup


class ShelveAction(StrictBody):
    shelve: Any


class ShelveOffloadAction(StrictBody):
    shelveOffload: Any


class OldUnshelveAction(StrictBody):
    unshelve: Any


class UnshelveToZone(StrictBody, kw_only=True):
    availability_zone: Text


class UnshelveToZoneAction(StrictBody):
    """API 2.77"""

    unshelve: UnshelveToZone | None


class Unshelve(StrictBody, kw_only=True):
    """API 2.91: `availability_zone` null lets it go to any zone."""

    availability_zone: Text | Unset | None = UNSET
    host: HostName | Unset = UNSET


class UnshelveAction(StrictBody):
    unshelve: Unshelve | None


class RestoreAction(StrictBody):
    restore: Any


class ChangePassword(StrictBody):
    adminPass: Password


class ChangePasswordAction(StrictBody):
    changePassword: ChangePassword


class CrashDumpAction(StrictBody):
    trigger_crash_dump: None


class ResetNetworkAction(StrictBody):
    resetNetwork: Any


class InjectNetworkInfoAction(StrictBody):
    injectNetworkInfo: Any
