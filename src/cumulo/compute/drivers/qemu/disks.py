"""Disks of a guest: the layer over its image, its config drive, its volumes as block devices.

The functions block: the driver calls them in a thread.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from cumulo.compute.drivers.driver import DiskSpec, GuestSpec, RootDisk
from cumulo.compute.drivers.qemu.hardware import VARIABLES_FILE
from cumulo.core.blobs.disks import virtual_size
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.sandbox import INPUT, OUTPUT, Bounds, in_sandbox, lent

GIB = 1024**3
ROOT_FILE = "root.qcow2"
RESCUE_FILE = "rescue.qcow2"
SWAP_FILE = "swap.raw"
ELDER_EPHEMERAL = "ephemeral.raw"
"""What the first one was called when there was one only"""
BASE_NOTE = "base"
CONFIG_FILE = "config.iso"
ROOT_NODE = "root"
COPY_SECONDS = 3600.0


class DiskFault(Exception):
    """A disk cannot be made or opened; the message says why."""


def node_name(disk_id: str) -> str:
    """QEMU's node names end at 31 characters, so an id does not fit."""
    return "v-" + hashlib.sha256(disk_id.encode()).hexdigest()[:28]


def resolved(spec: GuestSpec, data: Path) -> GuestSpec:
    """With the paths of volumes that are files of this host, which orders name by their place
    below its data directory. Raises ValueError for a name that leads out of it."""
    return msgspec.structs.replace(spec, disks=[_resolved(disk, data) for disk in spec.disks])


def _resolved(disk: DiskSpec, data: Path) -> DiskSpec:
    name = disk.connection.get("name")
    if name is None:
        return disk
    place = PurePosixPath(str(name))
    if place.is_absolute() or ".." in place.parts or not place.parts:
        raise ValueError(f"not a place on this host: {name!r}")
    rest = {key: value for key, value in disk.connection.items() if key != "name"}
    return msgspec.structs.replace(disk, connection={**rest, "path": str(data / place)})


def block_device(connection: dict[str, Any], node: str, *, read_only: bool) -> dict[str, Any]:
    """A connection as the arguments of blockdev-add. Raises DiskFault for an unknown driver."""
    driver = connection.get("driver")
    layer: dict[str, Any]
    match driver:
        case "file":
            layer = {"driver": "file", "filename": connection["path"]}
        case "nbd":
            server = {"type": "inet", "host": connection["host"], "port": str(connection["port"])}
            layer = {"driver": "nbd", "server": server, "export": connection["export"]}
            layer["reconnect-delay"] = 30
        case "rbd":
            layer = {key: connection[key] for key in ("driver", "pool", "image")}
            layer |= {key: connection[key] for key in ("conf", "user") if key in connection}
        case _:
            raise DiskFault(f"no block device driver {driver!r}")
    layer |= {"read-only": read_only, "discard": "unmap"}
    return {
        "driver": connection.get("format", "raw"),
        "node-name": node,
        "read-only": read_only,
        "discard": "unmap",
        "file": layer,
    }


def root_file(version: int) -> str:
    """The first one has the plain name, which guests of earlier releases have."""
    return ROOT_FILE if version == 0 else f"root-{version}.qcow2"


def own_block_device(name: str, node: str, format: str = "qcow2") -> dict[str, Any]:
    """A disk of the guest's own, by a path relative to its folder (QEMU's working directory)."""
    return block_device({"driver": "file", "path": name, "format": format}, node, read_only=False)


def grant(disk: DiskSpec, uid: int, gid: int) -> None:
    """Give a volume that is a local file to the guest's user. Raises DiskFault."""
    if disk.connection.get("driver") != "file":
        return
    path = Path(disk.connection["path"])
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise DiskFault(f"volume {disk.id}: {path} is not a regular file")
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.chown(path, uid, gid, follow_symlinks=False)
    except FileNotFoundError as absent:
        raise DiskFault(f"volume {disk.id}: {path} does not exist") from absent
    check_readable(path, uid, gid)


def check_readable(path: Path, uid: int, gid: int) -> None:
    """Say early and clearly what QEMU would only call 'Permission denied'. Raises DiskFault."""
    for place in [*reversed(path.parents), path]:
        try:
            found = place.stat()
        except FileNotFoundError as absent:
            raise DiskFault(f"{place} does not exist") from absent
        needed = stat.S_IXOTH if stat.S_ISDIR(found.st_mode) else stat.S_IROTH
        if found.st_uid == uid:
            needed <<= 6
        elif found.st_gid == gid:
            needed <<= 3
        if uid != 0 and not found.st_mode & needed:
            raise DiskFault(f"{place} is closed to the user {uid} that guests run as")


def ensure_root(folder: Path, root: RootDisk, uid: int, gid: int) -> None:
    """Make the layer over the image (or the copy of an earlier version), or let it grow. Never
    shrinks; never touches its data. Then other versions go.

    The folder is the guest's own. What is in it is believed as little as the guest is: which image
    is below is noted beside it, and the tool that opens the layer sees that image and no more."""
    target, base = folder / root_file(root.version), Path(root.base)
    note_base(folder, base)
    if not target.exists() and root.source is not None:
        _copy_version(folder, root.source, target, uid, gid)
    if target.exists():
        _let_grow(target, base, root.size_gb * GIB)
    elif root.carried:
        raise DiskFault("the guest's root disk is not on this host")
    else:
        _make_layer(target, root, uid, gid)
    forget_others(folder, root)


def forget_others(folder: Path, root: RootDisk) -> None:
    """Versions of the root disk that nobody goes back to any more."""
    kept = {root_file(root.version), *([] if root.kept is None else [root_file(root.kept)])}
    for other in folder.glob("root*.qcow2"):
        if other.name not in kept:
            other.unlink(missing_ok=True)


def _let_grow(target: Path, base: Path, wanted: int) -> None:
    if wanted > virtual_size(target, "qcow2"):
        argv = ["qemu-img", "resize", "-f", "qcow2", OUTPUT, str(wanted)]
        with lent(target) as user:
            in_sandbox(
                argv,
                reads={str(base): base},
                writes={OUTPUT: target},
                bounds=Bounds(disk=1 << 60),
                user=user,
            )


def _copy_version(folder: Path, version: int, target: Path, uid: int, gid: int) -> None:
    """Blocks are shared where the file system can. Made beside the guest's folder, where no guest
    can put a link in its place."""
    source = folder / root_file(version)
    if not source.exists():
        raise DiskFault(f"root disk {version} of the guest is not on this host")
    temporary = folder.parent / "root.new"
    temporary.unlink(missing_ok=True)
    run_blocking(
        ["cp", "--no-dereference", "--reflink=auto", "--sparse=always", str(source), str(temporary)]
    )
    _place(temporary, target, uid, gid)


def _place(made: Path, target: Path, uid: int, gid: int) -> None:
    if not stat.S_ISREG(made.lstat().st_mode):
        made.unlink()
        raise DiskFault(f"{target.name} is not a file")
    os.chown(made, uid, gid)
    made.chmod(0o600)
    made.replace(target)


def _make_layer(target: Path, root: RootDisk, uid: int, gid: int) -> None:
    base, wanted = Path(root.base), root.size_gb * GIB
    check_readable(base, uid, gid)
    size = virtual_size(base, root.format)
    if wanted and wanted < size:
        raise DiskFault(
            f"the image needs {size / GIB:.2f} GiB, the root disk has {root.size_gb} GiB"
        )
    temporary = target.parent.parent / "root.new"
    temporary.unlink(missing_ok=True)
    # -u: it only writes the name down, and opens no image.
    argv = ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", str(base), "-F", root.format]
    run_blocking([*argv, str(temporary), str(wanted or size)])
    _place(temporary, target, uid, gid)


def ensure_rescue(folder: Path, rescue: RootDisk | None, uid: int, gid: int) -> None:
    """The layer that a rescued guest runs from, made anew for each rescue."""
    target = folder / RESCUE_FILE
    if rescue is None:
        target.unlink(missing_ok=True)
    elif not target.exists():
        _make_layer(target, rescue, uid, gid)


def ephemeral_file(place: int, size_gb: int) -> str:
    """A name for each size: a resize makes another one, and may go back."""
    return f"ephemeral-{place}-{size_gb}.raw"


def ensure_extras(folder: Path, spec: GuestSpec, uid: int, gid: int) -> None:
    """Disks that a guest has besides the root disk, while it is off: ephemeral ones, each with an
    empty ext4 at first, and swap. One of another size than before has the same bytes, and more
    room behind them: the file system is the guest's to grow."""
    _rename_elder(folder)
    for place, size in enumerate(spec.ephemerals):
        target = folder / ephemeral_file(place, size)
        if target.exists():
            continue
        before = _ephemeral_before(folder, place)
        temporary = folder.parent / "ephemeral.new"
        temporary.unlink(missing_ok=True)
        if before is not None:
            argv = ["cp", "--no-dereference", "--reflink=auto", "--sparse=always"]
            run_blocking([*argv, str(before), str(temporary)])
            _check_file(temporary)
        with temporary.open("ab") as file:
            file.truncate(size * GIB)
        if before is None:
            label = f"ephemeral{place}"
            run_blocking(["mkfs.ext4", "-q", "-F", "-L", label, str(temporary)])
        _place(temporary, target, uid, gid)
    _ensure_swap(folder, spec.swap_mb << 20, uid, gid)
    kept = {ephemeral_file(*each) for each in enumerate(spec.ephemerals)}
    kept |= {ephemeral_file(*each) for each in enumerate(spec.ephemerals_kept)}
    for other in folder.glob("ephemeral-*.raw"):
        if other.name not in kept:
            other.unlink(missing_ok=True)


def _rename_elder(folder: Path) -> None:
    elder = folder / ELDER_EPHEMERAL
    if elder.exists() and not elder.is_symlink():
        elder.rename(folder / ephemeral_file(0, elder.stat().st_size // GIB))


def _ephemeral_before(folder: Path, place: int) -> Path | None:
    """The one of this place that has another size; there is one at most."""
    return next(iter(sorted(folder.glob(f"ephemeral-{place}-*.raw"))), None)


def _check_file(made: Path) -> None:
    if not stat.S_ISREG(made.lstat().st_mode):
        made.unlink()
        raise DiskFault(f"{made.name} is not a file")


def _ensure_swap(folder: Path, size: int, uid: int, gid: int) -> None:
    """Nothing in it is worth keeping."""
    target = folder / SWAP_FILE
    if not size:
        target.unlink(missing_ok=True)
        return
    if target.exists() and target.lstat().st_size == size:
        return
    temporary = folder.parent / "swap.new"
    temporary.unlink(missing_ok=True)
    with temporary.open("wb") as file:
        file.truncate(size)
    run_blocking(["mkswap", "-L", "swap0", str(temporary)])
    _place(temporary, target, uid, gid)


def take_ephemeral(
    folder: Path, place: int, size_gb: int, source: Path, uid: int, gid: int
) -> None:
    """A qcow2 file that came from elsewhere becomes an ephemeral disk. Raises DiskFault."""
    target = folder / ephemeral_file(place, size_gb)
    if not source.exists():
        if not target.exists():
            raise DiskFault(f"{source.name} did not arrive on this host")
        return
    made = folder.parent / "ephemeral.new"
    made.unlink(missing_ok=True)
    convert(source, "qcow2", made, "raw")
    _place(made, target, uid, gid)
    source.unlink(missing_ok=True)


def convert(source: Path, given: str, made: Path, format: str, base: Path | None = None) -> None:
    """A disk as a flat one of another format, by a tool that sees these files alone. Blocks. Raises
    SandboxFailed."""
    made.touch(0o600)
    with lent(source) as user:
        if os.geteuid() == 0:
            os.chown(made, user, -1)
        in_sandbox(
            ["qemu-img", "convert", "-q", "-f", given, "-O", format, INPUT, OUTPUT],
            reads={INPUT: source, **({} if base is None else {str(base): base})},
            writes={OUTPUT: made},
            bounds=Bounds(disk=1 << 60, seconds=COPY_SECONDS),
            user=user,
        )
    if os.geteuid() == 0:
        os.chown(made, 0, 0)


def ensure_variables(folder: Path, source: str | None, uid: int, gid: int) -> None:
    """What UEFI remembers of the guest: a file of its own, which begins as the given one."""
    target = folder / VARIABLES_FILE
    if source is None or target.exists():
        return
    if not Path(source).exists():
        raise DiskFault(f"hw_firmware_type: {source} is not there; it needs the package ovmf")
    temporary = folder.parent / "variables.new"
    shutil.copyfile(source, temporary)
    _place(temporary, target, uid, gid)


def take_root(folder: Path, version: int, source: Path, uid: int, gid: int) -> None:
    """A file that came from elsewhere becomes a version of the root disk. Raises DiskFault."""
    target = folder / root_file(version)
    if source.exists():
        shutil.move(source, folder.parent / "root.new")
        _place(folder.parent / "root.new", target, uid, gid)
    elif not target.exists():
        raise DiskFault(f"{source.name} did not arrive on this host")


def note_base(folder: Path, base: Path) -> None:
    note = folder.parent / BASE_NOTE
    if not note.exists() or note.read_text() != str(base):
        note.write_text(str(base))


def noted_base(folder: Path) -> Path | None:
    """The image below the guest's layer, from where no guest can write."""
    note = folder.parent / BASE_NOTE
    return Path(note.read_text()) if note.exists() else None


def ensure_config_drive(folder: Path, content: dict[str, bytes] | None) -> None:
    """Make the config drive (ISO 9660, label config-2) unless this content is in it already."""
    # Beside the guest's own folder, where no guest can put a link in its place.
    target, mark = folder / CONFIG_FILE, folder.parent / "config.sum"
    if content is None:
        target.unlink(missing_ok=True)
        return
    digest = hashlib.sha256(msgspec.msgpack.encode(sorted(content.items()))).hexdigest()
    if target.exists() and mark.exists() and mark.read_text() == digest:
        return
    with tempfile.TemporaryDirectory(prefix="cumulo-config.") as tree:
        for name, data in content.items():
            place = PurePosixPath(name)
            if place.is_absolute() or ".." in place.parts or not place.parts:
                raise DiskFault(f"config drive: not a path inside it: {name!r}")
            path = Path(tree, *place.parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        temporary = folder.parent / "config.new"
        temporary.unlink(missing_ok=True)
        options = ["-quiet", "-V", "config-2", "-r", "-J", "-l", "-o", str(temporary), tree]
        run_blocking([*iso_builder(), *options])
    mark.unlink(missing_ok=True)
    temporary.chmod(0o644)
    temporary.replace(target)
    mark.write_text(digest)


def iso_builder() -> list[str]:
    """genisoimage, or xorriso in its clothes. Raises DiskFault when the host has neither."""
    if shutil.which("genisoimage"):
        return ["genisoimage"]
    if shutil.which("xorriso"):
        return ["xorriso", "-as", "mkisofs"]
    raise DiskFault("a config drive needs genisoimage or xorriso on the host")
