"""Servers: finding, making, changing and removing them.

Making one is one transaction: quota, host, ports, volumes, row, history. What a host has to do
follows from the row; a change of what is desired grows its generation and wakes the host.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.block_storage.interface import BlockStorage
from cumulo.compute.meters import SERVERS
from cumulo.compute.model.hypervisor import ServerGroupRow
from cumulo.compute.model.server import (
    ACTION_EVENTS,
    JOBS,
    ActionRow,
    FileRow,
    FlavorSnapshot,
    ImageRef,
    ServerRow,
    with_state,
)
from cumulo.compute.queries import server as queries
from cumulo.compute.service.hosts import Hosts
from cumulo.compute.service.placing import Placing
from cumulo.compute.service.scheduling import USUAL_CHOICE, Choice, Scheduler
from cumulo.compute.service.who import Who
from cumulo.compute.service.wishes import FileWish
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.quotas.quotas import Quotas
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import ImageInfo, Images
from cumulo.network.interface import Network
from cumulo.placement.interface import Placement

KIND = "compute"
GIB = 1024**3
FORMATS = {"qcow2": "qcow2", "raw": "raw", "ami": "raw", "iso": "raw"}
"""Disk formats that a host boots, and how it reads them"""
SEALED = "gAAAA"
"""How all that is sealed begins."""
MOST_JUST_SEALED = 100
CANNOT_METAL = (
    *("pause", "unpause", "suspend", "resume", "resize", "migrate", "evacuate", "shelve"),
    *("createImage", "createBackup", "attach_volume", "detach_volume"),
    *("changePassword", "trigger_crash_dump"),
)
"""What only a hypervisor does"""
USABLE = ("active", "stopped", "paused", "suspended")
"""vm_states in which a server may be changed"""


def next_root(row: ServerRow) -> int:
    """A number that no root disk of this server has had: generations only grow."""
    return max(row.root_version, row.generation) + 1


class Servers:
    listing = queries.SERVERS

    def __init__(
        self,
        *,
        quotas: Quotas,
        jobs: Jobs,
        hosts: Hosts,
        placement: Placement,
        images: Images,
        network: Network,
        volumes: BlockStorage,
        seal: KeyRing,
        choice: Choice = USUAL_CHOICE,
    ) -> None:
        self._seal = seal
        self._just_sealed: dict[str, str] = {}
        """A new server's password is sealed, and opened a moment later for its host: once, and not
        by taking the seal off again."""
        self.quotas = quotas
        self._jobs = jobs
        self.registry = hosts.registry
        self.placement = placement
        self.images = images
        self.network = network
        self.volumes = volumes
        self.wake_metal: Callable[[Tx], None] = lambda tx: None
        self.plug_metal: Callable[[Tx, ServerRow, str | None], None] = lambda tx, row, port: None
        """The node of this server has its ports, all but that one. Raises a Fault."""
        """Servers that have a whole machine are nobody's item."""
        self.scheduler = Scheduler(hosts, placement, choice)
        self.placing = Placing(hosts, self.scheduler, volumes)

    # --- finding ----------------------------------------------------------------------------

    def get(self, tx: Tx, server_id: str, principal: Principal) -> ServerRow:
        """A server of the caller's project, or of anybody for an administrator."""
        row = tx.get(ServerRow, server_id)
        if row is None or row.deleted_at is not None or not _owns(row, principal):
            raise NotFound(f"Instance {server_id} could not be found.")
        return row

    def get_even_deleted(self, tx: Tx, server_id: str, principal: Principal) -> ServerRow:
        row = tx.get(ServerRow, server_id)
        if row is None or not _owns(row, principal):
            raise NotFound(f"Instance {server_id} could not be found.")
        return row

    def find(self, tx: Tx, server_id: str) -> ServerRow | None:
        """For the metadata service and the host part, which ask for nobody."""
        row = tx.get(ServerRow, server_id)
        return None if row is None or row.deleted_at is not None else row

    def lived(
        self, tx: Tx, since: Moment, until: Moment, project_id: str | None = None
    ) -> list[ServerRow]:
        """Servers (of everybody, or of a project) that were there between two times, also those
        that are gone. Long by its nature: for heavy operations."""
        if project_id is None:
            living, dead = queries.LIVING, queries.DEAD
        else:
            living, dead = queries.LIVING_OF, queries.DEAD_OF
        of = {} if project_id is None else {"project": project_id}
        found = tx.all(living, until=until, **of)
        return [*found, *tx.all(dead, until=until, since=since, **of)]

    def lived_page(
        self,
        tx: Tx,
        since: Moment,
        until: Moment,
        project_id: str | None,
        after: ServerRow | None,
        most: int,
    ) -> list[ServerRow]:
        """A page of the same, by project and id, after one of them."""
        wanted = queries.LIVED if project_id is None else queries.LIVED_OF
        place = ("", "") if after is None else (after.project_id, after.id)
        project = place[0] if project_id is None else project_id
        period = {"since": since, "until": until}
        return tx.all(wanted, **period, project=project, after=place[1], most=most)

    # --- writing a row ----------------------------------------------------------------------

    def save(self, tx: Tx, row: ServerRow, **changes: Any) -> ServerRow:
        """Write changes, and the state that follows from them."""
        if "admin_password" in changes:
            changes["admin_password"] = self.sealed(changes["admin_password"])
        after = msgspec.structs.replace(row, **changes)
        changes |= {**with_state(after), "updated_at": tx.now, "revision": row.revision + 1}
        saved = tx.update(row, **changes)
        SERVERS.changed(tx, row, saved)
        return saved

    def changed(self, tx: Tx, server_ids: Sequence[str]) -> None:
        """Something that is shown with these servers is new: a port's address, say."""
        tx.run(queries.SHOWN_ANEW, ids=list(server_ids))

    def desire(self, tx: Tx, row: ServerRow, **changes: Any) -> ServerRow:
        """The same for a change that the host has to make real."""
        row = self.save(tx, row, generation=row.generation + 1, **changes)
        if row.metal:
            self.wake_metal(tx)
        elif row.host_id is not None:
            tell = self.registry.touch if row.present else self.registry.remove
            tell(tx, row.host_id, KIND, row.id)
        return row

    def sealed(self, password: str | None) -> str | None:
        if password is None:
            return None
        made = self._seal.encrypt(password)
        if len(self._just_sealed) >= MOST_JUST_SEALED:
            self._just_sealed.clear()
        self._just_sealed[made] = password
        return made

    def opened(self, password: str | None) -> str | None:
        """Of a server's row. (Servers of the first releases have it as it is.)"""
        if password is None or not password.startswith(SEALED):
            return password
        return self._just_sealed.pop(password, None) or self._seal.decrypt(password)

    # --- actions ----------------------------------------------------------------------------

    def act(
        self, tx: Tx, row: ServerRow, action: str, who: Who, *, over: bool = False, **detail: Any
    ) -> None:
        """Note an action; `over`: it is finished with this transaction."""
        tx.insert(
            ActionRow(
                request_id=who.request_id,
                server_id=row.id,
                action=action,
                user_id=who.principal.user_id,
                project_id=who.principal.project_id or row.project_id,
                started_at=tx.now,
                updated_at=tx.now,
                finished_at=tx.now if over else None,
                event=ACTION_EVENTS.get(action, f"compute_{action}"),
                result="Success" if over else None,
                host_id=row.host_id,
            ),
            ignore_duplicate=True,
        )
        emit(
            tx,
            f"compute.server.{action}" + ("" if over else ".start"),
            row.id,
            project_id=row.project_id,
            principal=who.principal,
            request_id=who.request_id,
            **detail,
        )

    actions = queries.ACTIONS

    def action(self, tx: Tx, row: ServerRow, request_id: str) -> ActionRow | None:
        return tx.get(ActionRow, request_id, row.id)

    def forgotten(self, tx: Tx, before: Moment, most: int) -> list[str]:
        """Servers that were deleted so long ago."""
        return [row.id for row in tx.all(queries.FORGOTTEN, before=before, most=most)]

    def forget(self, tx: Tx, server_id: str) -> None:
        """All that is kept of a deleted one."""
        row = tx.get(ServerRow, server_id)
        if row is None or row.deleted_at is None:
            return
        for statement in queries.FORGET:
            tx.run(statement, server=server_id)
        tx.delete(row)

    def finish_actions(self, tx: Tx, row: ServerRow, fault: str | None) -> None:
        """What was asked of the host is done, or failed. What a job does is its own to end."""
        open_ = tx.all(queries.OPEN_ACTIONS, server=row.id)
        self._finish(tx, row, [each for each in open_ if each.action not in JOBS], fault)

    def finish_jobs_actions(
        self, tx: Tx, row: ServerRow, actions: Sequence[str], fault: str | None
    ) -> None:
        """What a job did is done, or was undone."""
        open_ = tx.all(queries.OPEN_ACTIONS, server=row.id)
        self._finish(tx, row, [each for each in open_ if each.action in actions], fault)

    def _finish(
        self, tx: Tx, row: ServerRow, actions: Sequence[ActionRow], fault: str | None
    ) -> None:
        for action in actions:
            result = "Success" if fault is None else "Error"
            tx.update(action, finished_at=tx.now, updated_at=tx.now, result=result, message=fault)
            verb = "end" if fault is None else "error"
            emit(
                tx,
                f"compute.server.{action.action}.{verb}",
                row.id,
                project_id=row.project_id,
                request_id=action.request_id,
                reason=fault,
            )

    def require(
        self,
        row: ServerRow,
        action: str,
        *,
        vm: tuple[str, ...] = USABLE,
        task: tuple[str | None, ...] = (None,),
    ) -> None:
        """Conflict unless the server is in one of these states."""
        if row.metal and action in CANNOT_METAL:
            raise Conflict(
                f"Cannot '{action}' instance {row.id}: it is a machine of bare metal, which has no "
                "such thing"
            )
        if row.vm_state not in vm:
            raise Conflict(
                f"Cannot '{action}' instance {row.id} while it is in vm_state {row.vm_state}"
            )
        if row.task_state not in task:
            raise Conflict(
                f"Cannot '{action}' instance {row.id} while it is in task_state {row.task_state}"
            )

    def require_settled(self, row: ServerRow, action: str) -> None:
        """What it was before a resize has to stay until that is confirmed or reverted."""
        if row.before is not None:
            raise Conflict(f"Cannot '{action}' instance {row.id} while it is in vm_state resized")

    def require_no_tpm(self, row: ServerRow, action: str) -> None:
        """What a TPM remembers is on its host, and does not leave it."""
        said = {} if row.image is None else row.image.properties
        if {"hw_tpm_version", "hw_tpm_model"} & said.keys() or (
            {"hw:tpm_version", "hw:tpm_model"} & row.flavor.extra_specs.keys()
        ):
            raise Conflict(
                f"Operation '{action}' not supported for vTPM-enabled instance {row.id}."
            )

    def require_unlocked(self, row: ServerRow, principal: Principal) -> None:
        if row.locked and not principal.is_admin:
            raise Conflict(f"Instance {row.id} is locked")

    # --- limits -----------------------------------------------------------------------------

    def check_metadata(self, tx: Tx, project_id: str, metadata: Mapping[str, str]) -> None:
        if not metadata:
            return
        most = self.quotas.limit(tx, project_id, "server_metadata_items")
        if 0 <= most < len(metadata):
            raise Forbidden(f"Maximum number of metadata items exceeds {most}")

    def set_files(self, tx: Tx, row: ServerRow, files: Sequence[FileWish]) -> None:
        """All that are to be in the guest when it is made."""
        self.check_files(tx, row.project_id, files)
        tx.run(queries.FORGET_FILES, server=row.id)
        for number, each in enumerate(files):
            tx.insert(FileRow(row.id, number, each.path, each.content))

    def check_files(self, tx: Tx, project_id: str, files: Sequence[FileWish]) -> None:
        """Raises Forbidden, in compute's words."""
        if not files:
            return
        limits = self.quotas.limits(tx, project_id)
        longest = max(len(each.path.encode()) for each in files)
        largest = max(len(each.content) * 3 // 4 for each in files)
        for name, amount, what in (
            ("server_injected_files", len(files), ""),
            ("server_injected_file_path_bytes", longest, " path"),
            ("server_injected_file_content_bytes", largest, " content"),
        ):
            most = limits[name]
            if 0 <= most < amount:
                how = f"file{what} exceeds maximum {most}" if what else "file limit exceeded"
                raise Forbidden(f"Personality {how}")

    # --- removing ---------------------------------------------------------------------------

    def delete(self, tx: Tx, row: ServerRow, who: Who) -> None:
        """Desired becomes absent; the row goes when the host has confirmed that nothing is left."""
        self.require_unlocked(row, who.principal)
        if not row.present:
            return
        self.act(tx, row, "delete", who)
        self.end(tx, row)

    def end(self, tx: Tx, row: ServerRow) -> None:
        """It is to go, and what is at work on it ends. A host that is off, by an operator's word,
        is not waited for; should it come back, it removes its guest first."""
        self.cancel_jobs(tx, row, "its server was deleted")
        row = self.desire(tx, row, present=False)
        if row.before is not None and row.before.host_id != row.host_id:
            self.registry.remove(tx, row.before.host_id, KIND, row.id)
        if row.host_id is None or self.placing.hosts.is_off(tx, row.host_id):
            self.gone(tx, row)

    def cancel_jobs(self, tx: Tx, row: ServerRow, reason: str, *, but: Sequence[str] = ()) -> None:
        """Undo what is at work on it, but for these kinds."""
        for job in self._jobs.of(tx, row.id):
            if job.kind not in but:
                self._jobs.cancel(tx, job.id, reason)

    def gone(self, tx: Tx, row: ServerRow) -> None:
        """Nothing of it is left on a host: give everything back, in this transaction."""
        self.network.unplug_server(tx, row.id)
        self.volumes.release_server(tx, row.id)
        self.placement.release(tx, row.id)
        amounts = amounts_of(row.flavor)
        if row.before is not None:
            self.placement.release(tx, row.before.holder)
            # A resize to a smaller one gives its rest back when it is confirmed.
            old = amounts_of(row.before.flavor)
            amounts = {name: max(amount, old[name]) for name, amount in amounts.items()}
        self.quotas.give_back(tx, row.project_id, **amounts)
        if row.shelved_image_id is not None:
            self.images.remove(tx, row.shelved_image_id)
        self._leave_group(tx, row)
        tx.run(queries.FORGET_FILES, server=row.id)
        self.finish_actions(tx, row, None)
        self.save(tx, row, present=False, deleted_at=tx.now, seen_power="absent", step=None)

    def _leave_group(self, tx: Tx, row: ServerRow) -> None:
        named = row.hints.get("group")
        group = None if named is None else tx.get(ServerGroupRow, str(named))
        if group is not None and row.id in group.members:
            rest = [member for member in group.members if member != row.id]
            tx.update(group, members=rest)


def _owns(row: ServerRow, principal: Principal) -> bool:
    return row.project_id == principal.project_id or principal.is_admin


def image_ref(info: ImageInfo) -> ImageRef:
    return ImageRef(
        id=info.id,
        sha512=info.sha512,
        size=info.size or 0,
        disk_format=info.disk_format,
        properties=info.properties,
        min_disk=info.min_disk,
        min_ram=info.min_ram,
    )


def check_image(info: ImageInfo, flavor: FlavorSnapshot | None) -> None:
    """Can a host boot it, and does it fit into the flavor?"""
    if info.status != "active":
        raise BadRequest(f"Image {info.id} is not active.")
    if info.disk_format not in FORMATS:
        raise BadRequest(
            f"Image {info.id} is unacceptable: Disk format {info.disk_format} is not acceptable"
        )
    if flavor is None:
        return
    if flavor.ram < info.min_ram:
        raise BadRequest("Flavor's memory is too small for requested image.")
    if flavor.disk == 0:
        return
    room = flavor.disk * GIB
    size = max(info.virtual_size or 0, info.size or 0)
    if size > room:
        raise BadRequest(
            "Flavor's disk is too small for requested image. Flavor disk is "
            f"{room} bytes, image is {size} bytes."
        )
    if info.min_disk * GIB > room:
        raise BadRequest(
            "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor "
            f"disk is {room} bytes, minimum size is {info.min_disk * GIB} bytes."
        )


def own_devices(row: ServerRow) -> set[str]:
    """The names of the disks that it has besides volumes."""
    disks = row.own_disks(row.flavor)
    local = (row.image is not None) + len(disks.ephemerals) + (disks.swap_mb > 0)
    used: set[str] = set()
    for _ in range(local):
        used.add(next_device(used))
    return used


def next_device(used: set[str]) -> str:
    """The first free of /dev/vda … /dev/vdz; Forbidden when there is none."""
    for letter in "abcdefghijklmnopqrstuvwxyz":
        name = f"/dev/vd{letter}"
        if name not in used:
            return name
    raise Forbidden("The maximum allowed number of disk devices (26) is exceeded.")


def amounts_of(flavor: FlavorSnapshot) -> dict[str, int]:
    """What one server uses of the quota."""
    return {"servers": 1, "class:VCPU": flavor.vcpus, "class:MEMORY_MB": flavor.ram}
