"""The row of a server: what is desired, what its host has seen, and the state that follows."""

from typing import Annotated, Any, NamedTuple

import msgspec

from cumulo.compute.model.state import Facts, Power, RebootKind, SeenPower, state_of
from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Key, Row, Serial, table


class FlavorSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The flavor as it was when the server was made: later changes do not touch the server."""

    id: str
    name: str
    vcpus: int
    ram: int
    """MiB"""
    disk: int
    """GiB"""
    ephemeral: int = 0
    swap: int = 0
    """MiB"""
    extra_specs: dict[str, str] = {}


class ServerFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a server is in ERROR."""

    code: int
    message: str
    details: str = ""
    created: Moment
    sticky: bool = False
    """Set by an administrator (`os-resetState`): a good report of the host does not clear it."""


class ServerKey(msgspec.Struct, frozen=True):
    """The key pair as it was: the guest keeps it when the pair goes."""

    name: str
    type: str
    public_key: str


class ImageRef(msgspec.Struct, frozen=True, kw_only=True):
    """The image as it was, for the host and for rebuilt views (API 2.98)."""

    id: str
    sha512: str | None
    size: int = 0
    """Bytes of its file; 0: it was not known."""
    disk_format: str | None
    properties: dict[str, str] = {}
    min_disk: int = 0
    min_ram: int = 0


class BeforeResize(msgspec.Struct, frozen=True, kw_only=True):
    """What a server was before a resize or a cold migration that nobody has confirmed."""

    flavor: FlavorSnapshot
    host_id: str
    zone: str
    power: Power
    root_version: int
    migration_id: int
    holder: str
    """Who holds the old host's resources in placement meanwhile."""


class OwnDisks(NamedTuple):
    ephemerals: list[int]
    """GiB of each"""
    swap_mb: int


EXISTING = "deleted_at IS NULL"


@table(
    "servers",
    # What was deleted is kept for long: it is in no index that requests about servers use.
    IndexOn("project_id", "created_at", where=EXISTING),
    IndexOn("host_id", where=EXISTING),
    IndexOn("user_id", where=EXISTING),
    IndexOn("created_at", where=EXISTING),
    IndexOn("project_id", "updated_at"),
    IndexOn("deleted_at", where="deleted_at IS NOT NULL"),
    IndexOn("metal", where="metal AND deleted_at IS NULL"),
)
class ServerRow(Row, frozen=True):
    """One server. Its row outlives it (`deleted_at`), for `changes-since`, usage and actions."""

    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str
    hostname: str
    description: str | None
    created_at: Moment
    updated_at: Moment
    reservation_id: str
    flavor: FlavorSnapshot
    image: ImageRef | None
    """None: it boots from a volume."""
    base: ImageRef | None = None
    """What its root disk stands on, where that is not `image`: it was shelved."""
    launch_index: int = 0
    launched_at: Moment | None = None
    deleted_at: Moment | None = None
    key: ServerKey | None = None
    user_data: str | None = None
    """base64, as the client gave it."""
    config_drive: bool = False
    metadata: dict[str, str] = {}
    tags: list[str] = []
    zone: str = "nova"
    pinned_zone: str | None = None
    hints: dict[str, Any] = {}
    admin_password: str | None = None
    """Sealed."""
    access_ipv4: str = ""
    access_ipv6: str = ""
    disk_config: str = "MANUAL"
    locked_by: str | None = None
    """`owner` or `admin`"""
    locked_reason: str | None = None
    password: str = ""
    """What the guest posted to the metadata service: encrypted with the key pair."""
    certificates: list[str] | None = None
    """Trusted image certificates (API 2.63)"""

    # Desired
    host_id: str | None = None
    tried: list[str] = []
    """Hosts that could not make it, while it had never run; `*`: it was to be on that one."""
    present: bool = True
    power: Power = "on"
    reboot_nonce: int = 0
    reboot_kind: RebootKind = "soft"
    generation: int = 1
    rescue: ImageRef | None = None
    """It shall run from this image, with its own root disk beside it."""
    root_version: int = 0
    """Which of its root disks it runs from: a rebuild or a resize makes another one."""
    root_from: int | None = None
    """The version that this one is a copy of; None: it is made anew of its image."""
    root_made: int | None = None
    """The version that its host has said is there: where it is missing now, it is lost."""
    ephemerals: list[int] = []
    """GiB of each of its ephemeral disks; none: all that the flavor has is one disk."""
    swap_mb: int | None = None
    """None: as much as the flavor has."""
    root_kept: int | None = None
    """A version that must not go yet: a resize may be reverted."""
    placed: bool = False
    """It ran on its host, so its root disk must be there."""
    operation: str | None = None
    """What was asked for and is not done, as `state` has it."""
    shelved: bool = False
    shelved_image_id: str | None = None
    before: BeforeResize | None = None
    """What it goes back to when the resize is reverted."""
    soft_deleted_at: Moment | None = None

    # Observed
    seen_generation: int = 0
    seen_power: SeenPower = "absent"
    step: str | None = None
    reason: str | None = None
    """Why it stopped although nobody asked."""
    reboot_done: int = 0
    metal: bool = False
    """It has a machine whole: `host_id` is a node of bare metal."""
    look: bool = False
    """Something has changed about its node."""
    pins: list[int] = []
    """Processors of the host that its own have for themselves, in order."""
    fault: ServerFault | None = None

    revision: int = 0
    """Grows with every change of what anybody sees of it, its ports and volumes included."""

    # Computed by `state_of`, written with every change
    status: str = "BUILD"
    vm_state: str = "building"
    task_state: str | None = "scheduling"
    power_state: int = 0

    @property
    def instance_name(self) -> str:
        return f"instance-{self.id[:8]}"

    def own_disks(self, flavor: FlavorSnapshot) -> "OwnDisks":
        """Those that it has besides root disk and volumes, with that flavor."""
        one = [flavor.ephemeral] if flavor.ephemeral else []
        swap = flavor.swap if self.swap_mb is None else min(self.swap_mb, flavor.swap)
        return OwnDisks(self.ephemerals or one, swap)

    @property
    def locked(self) -> bool:
        return self.locked_by is not None

    @property
    def went_back(self) -> bool:
        """From a resize, by its desired state; whether its host has done so is another matter."""
        before = self.before
        return (
            before is not None
            and self.operation != "resize_migrating"
            and (self.host_id, self.root_version) == (before.host_id, before.root_version)
        )


def with_state(row: ServerRow) -> dict[str, Any]:
    """The computed columns of this row as it is now."""
    state = state_of(facts_of(row))
    return {
        "status": state.status,
        "vm_state": state.vm_state,
        "task_state": state.task_state,
        "power_state": state.power_state,
    }


def facts_of(row: ServerRow) -> Facts:
    return Facts(
        present=row.present,
        gone=row.deleted_at is not None,
        scheduled=row.host_id is not None,
        power=row.power,
        newer=row.seen_generation < row.generation,
        launched=row.launched_at is not None,
        seen=row.seen_power,
        step=row.step,
        reboot=row.reboot_kind if row.reboot_nonce > row.reboot_done else None,
        fault=row.fault is not None,
        operation=row.operation,
        rescue=row.rescue is not None,
        resized=row.before is not None
        and (not row.went_back or row.operation == "resize_reverting"),
        shelved=row.shelved,
        soft_deleted=row.soft_deleted_at is not None,
    )


@table("compute_migrations", IndexOn("server_id"), IndexOn("created_at"))
class MigrationRow(Row, frozen=True):
    """A resize, a cold migration or an evacuation, as `os-migrations` tells it."""

    id: Annotated[int, Serial()]
    uuid: str
    server_id: str
    project_id: str
    user_id: str
    kind: str
    """`resize`, `migration` or `evacuation`"""
    status: str
    source: str
    target: str
    old_flavor: str
    new_flavor: str
    created_at: Moment
    updated_at: Moment


@table("server_files")
class FileRow(Row, frozen=True):
    """A file that a new server's owner wants in it (`personality`, until API 2.56): its metadata
    tells of it, and `cloud-init` writes it."""

    server_id: Annotated[str, Key()]
    number: Annotated[int, Key()]
    path: str
    content: str
    """base64"""


@table("server_backups", IndexOn("server_id", "kind", "created_at"))
class BackupRow(Row, frozen=True):
    """An image that `createBackup` made; the oldest ones of its kind go again."""

    image_id: Annotated[str, Key()]
    server_id: str
    kind: str
    """`daily`, or what else the client called it"""
    created_at: Moment


@table(
    "server_actions",
    IndexOn("server_id", "started_at"),
    IndexOn("server_id", where="result IS NULL"),
)
class ActionRow(Row, frozen=True):
    """What was done to a server, as `os-instance-actions` tells it."""

    request_id: Annotated[str, Key()]
    server_id: Annotated[str, Key()]
    action: str
    user_id: str
    project_id: str
    started_at: Moment
    updated_at: Moment
    finished_at: Moment | None = None
    event: str = ""
    """The work that it set off, say `compute_reboot_instance`."""
    result: str | None = None
    """`Success` or `Error`, once it is over"""
    message: str | None = None
    host_id: str | None = None


ACTION_EVENTS = {
    "create": "compute__do_build_and_run_instance",
    "delete": "compute_terminate_instance",
    "reboot": "compute_reboot_instance",
    "start": "compute_start_instance",
    "stop": "compute_stop_instance",
    "pause": "compute_pause_instance",
    "unpause": "compute_unpause_instance",
    "attach_volume": "compute_attach_volume",
    "detach_volume": "compute_detach_volume",
    "attach_interface": "compute_attach_interface",
    "detach_interface": "compute_detach_interface",
    "swap_volume": "compute_swap_volume",
    "suspend": "compute_suspend_instance",
    "resume": "compute_resume_instance",
    "rescue": "compute_rescue_instance",
    "unrescue": "compute_unrescue_instance",
    "rebuild": "compute_rebuild_instance",
    "resize": "compute_finish_resize",
    "migrate": "compute_finish_resize",
    "confirmResize": "compute_confirm_resize",
    "revertResize": "compute_finish_revert_resize",
    "createImage": "compute_snapshot_instance",
    "createBackup": "compute_backup_instance",
    "shelve": "compute_shelve_instance",
    "shelveOffload": "compute_shelve_offload_instance",
    "unshelve": "compute_unshelve_instance",
    "restore": "compute_restore_instance",
    "changePassword": "compute_set_admin_password",
    "trigger_crash_dump": "compute_trigger_crash_dump",
    "lock": "",
    "unlock": "",
}
JOBS = ("createImage", "createBackup", "shelve", "shelveOffload", "migrate", "resize")
"""Actions that are over when their job says so, not with the next report of the host."""
