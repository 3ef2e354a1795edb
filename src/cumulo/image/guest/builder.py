"""Builds the guest image: runs build.sh beside its destination, then moves the result there."""

import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from cumulo.core.run.daemons import Daemon, start_daemon

# What the host needs, as Debian packages.
REQUIRED_PACKAGES = (
    "binutils",
    "cpio",
    "dosfstools",
    "e2fsprogs",
    "kmod",
    "mtools",
    "openssl",
    "qemu-utils",
    "syslinux",
    "syslinux-common",
    "systemd-boot-efi",
)
IMAGE = "guest.qcow2"
RECIPE = "recipe"
BESIDE = ("vmlinuz", "initrd.img", "ramdisk.img", "manifest.txt")
SIZE_LIMIT = 40 * 1024 * 1024
TIME_LIMIT = 1200.0
_SCRIPT = Path(__file__).with_name("build.sh")


def recipe() -> str:
    """What the image is made by: another digest for another release of it."""
    digest = hashlib.sha256()
    for name in ("build.sh", "yaml-flat", "cloud-config"):
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def is_current(image: Path) -> bool:
    """Whether an image was built by this release's recipe."""
    try:
        return (image.parent / RECIPE).read_text().strip() == recipe()
    except OSError:
        return False


class BuildFailed(Exception):
    """The image could not be built; the message ends with the script's last lines."""


class BuiltGuest(msgspec.Struct, frozen=True):
    """`path` of the qcow2 image, its SHA-256 (hex) and size in bytes, "package version" lines.

    vmlinuz, initrd.img, ramdisk.img and manifest.txt are beside it.
    """

    path: Path
    sha256: str
    size: int
    packages: tuple[str, ...]


def default_image() -> Path:
    """$XDG_CACHE_HOME/cumulo/guest/guest.qcow2, or below ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "cumulo" / "guest" / IMAGE


def built_guest(image: Path) -> BuiltGuest | None:
    """What an earlier build left there, or None."""
    try:
        packages = (image.parent / "manifest.txt").read_text().partition("\n\n")[0].splitlines()
        with image.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return BuiltGuest(image, digest, image.stat().st_size, tuple(packages))
    except FileNotFoundError:
        return None


def build_guest(output: Path, cache: Path, progress: Callable[[str], None]) -> BuiltGuest:
    """Build the image file `output`; packages are downloaded once into `cache`.

    `progress` is called with a line for each step. Takes about 40 s of CPU; blocks. The same
    package versions give the same bytes. Raises BuildFailed.
    """
    folder = output.parent
    folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".build.", dir=folder))
    made_by = recipe()
    try:
        _run_script(work, cache, progress)
        size = (work / IMAGE).stat().st_size
        if size > SIZE_LIMIT:
            raise BuildFailed(f"the image has {size} bytes, more than {SIZE_LIMIT}")
        # The manifest says that all is there: it is the first to go and the last to come.
        (folder / "manifest.txt").unlink(missing_ok=True)
        for name, target in [(IMAGE, output), *((name, folder / name) for name in BESIDE)]:
            (work / name).chmod(0o644)
            (work / name).replace(target)
        (folder / RECIPE).write_text(f"{made_by}\n")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    built = built_guest(output)
    if built is None:
        raise BuildFailed("the image vanished while it was built")
    return built


def _run_script(work: Path, cache: Path, progress: Callable[[str], None]) -> None:
    log = work / "log"
    environment = [f"CACHE={cache.resolve()}", f"TMPDIR={work.resolve()}"]
    process = start_daemon(["env", *environment, "bash", str(_SCRIPT), str(work)], log=log)
    end = time.monotonic() + TIME_LIMIT
    shown = 0
    try:
        while not process.wait(0.2):
            shown = _show(log, shown, progress)
            if time.monotonic() > end:
                raise BuildFailed(f"the build did not end within {TIME_LIMIT:g} s")
    finally:
        _end_group(process)
    _show(log, shown, progress)
    if not (work / "manifest.txt").exists():
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildFailed(f"build.sh failed:\n{tail}")


def _show(log: Path, shown: int, progress: Callable[[str], None]) -> int:
    """Report the steps written since `shown` lines; returns the number of lines now."""
    lines = log.read_text(errors="replace").splitlines()
    for line in lines[shown:]:
        if line.startswith("== "):
            progress(line[3:])
    return len(lines)


def _end_group(process: Daemon) -> None:
    """End the script and what it started (it leads a session of its own)."""
    if process.alive():
        os.killpg(process.pid, signal.SIGTERM)
        process.stop()
