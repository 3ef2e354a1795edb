"""Builds the deploy ramdisk on top of the guest image's files, and knows whether it is there.

It is made anew when the agent, the script or the guest image has changed.
"""

import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cumulo.core.run.daemons import start_daemon

KERNEL, RAMDISK = "vmlinuz", "ramdisk.img"
TIME_LIMIT = 600.0
_HERE = Path(__file__).parent
_SCRIPT, _AGENT = _HERE / "build.sh", _HERE / "agent"


class BuildFailed(Exception):
    """The message ends with the script's last lines."""


def key_of(guest: Path) -> str:
    """What the ramdisk is made of; `guest`: the folder of the guest image's files. Raises
    OSError."""
    digest = hashlib.sha256()
    for path in [_SCRIPT, *sorted(_AGENT.glob("*.py")), guest / "manifest.txt"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def present(folder: Path, guest: Path) -> bool:
    """Whether the ramdisk in this folder is today's."""
    try:
        same = (folder / "key").read_text() == key_of(guest)
    except OSError:
        return False
    return same and (folder / KERNEL).exists() and (folder / RAMDISK).exists()


def build(folder: Path, guest: Path, cache: Path, progress: Callable[[str], None]) -> None:
    """Takes about 15 s of CPU; blocks. Raises BuildFailed, OSError."""
    key = key_of(guest)
    folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".build.", dir=folder))
    try:
        _run(work, guest, cache, progress)
        (folder / "key").unlink(missing_ok=True)
        for name in (KERNEL, RAMDISK, "manifest.txt"):
            (work / name).chmod(0o644)
            (work / name).replace(folder / name)
        (folder / "key").write_text(key)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(work: Path, guest: Path, cache: Path, progress: Callable[[str], None]) -> None:
    log = work / "log"
    environment = [f"CACHE={cache.resolve()}", f"TMPDIR={work.resolve()}"]
    script = ["bash", str(_SCRIPT), str(guest), str(_AGENT), str(work)]
    # The interpreter that is packed must not meet the modules of this one.
    clean = ["-u", "PYTHONPATH", "-u", "PYTHONHOME", "-u", "PYTHONPYCACHEPREFIX"]
    process = start_daemon(["env", *clean, *environment, *script], log=log)
    end, shown = time.monotonic() + TIME_LIMIT, 0
    try:
        while not process.wait(0.2):
            shown = _show(log, shown, progress)
            if time.monotonic() > end:
                raise BuildFailed(f"the build did not end within {TIME_LIMIT:g} s")
    finally:
        if process.alive():
            os.killpg(process.pid, signal.SIGTERM)
            process.stop()
    _show(log, shown, progress)
    if not (work / "manifest.txt").exists():
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildFailed(f"the deploy ramdisk could not be built:\n{tail}")


def _show(log: Path, shown: int, progress: Callable[[str], None]) -> int:
    lines = log.read_text(errors="replace").splitlines()
    for line in lines[shown:]:
        if line.startswith("== "):
            progress(line[3:])
    return len(lines)
