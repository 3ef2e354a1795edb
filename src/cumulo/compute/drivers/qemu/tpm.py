"""A guest's TPM: a process of swtpm beside its QEMU, as the same user.

What the TPM remembers is in the guest's folder, `tpm/`, and stays there as long as the guest does.
The process ends by itself when its QEMU has; one that no QEMU ever called is found by its note. The
functions block.
"""

import os
import shutil
import time
from pathlib import Path

from cumulo.compute.drivers.qemu.command import TPM_SOCKET as SOCKET
from cumulo.compute.drivers.qemu.hardware import HardwareFault
from cumulo.core.run.daemons import Daemon, start_daemon

_NOTE, _STATE = "tpm.pid", "tpm"
_SECONDS = 5.0


def start(folder: Path, version: str, uid: int, gid: int) -> None:
    """Ready for its QEMU when it returns. `folder`: the guest's own (root's part of it). Raises
    HardwareFault, OSError."""
    binary = shutil.which("swtpm")
    if binary is None:
        raise HardwareFault("hw_tpm_model: this host has no swtpm; it needs the package swtpm")
    stop(folder)
    state, run = folder / _STATE, folder / "q"
    state.mkdir(mode=0o700, exist_ok=True)
    os.chown(state, uid, gid)
    (run / SOCKET).unlink(missing_ok=True)
    argv = [binary, "socket", "--tpmstate", f"dir=../{_STATE},mode=0600"]
    argv += ["--ctrl", f"type=unixio,path={SOCKET},mode=0600", "--terminate"]
    argv += ["--tpm2"] if version == "2.0" else []
    made = start_daemon(argv, log=folder / "log", user=uid, group=gid, cwd=run)
    made.save(folder / _NOTE)
    end = time.monotonic() + _SECONDS
    while not (run / SOCKET).exists():
        if not made.alive() or time.monotonic() > end:
            raise HardwareFault("hw_tpm_model: swtpm has not come up")
        time.sleep(0.01)


def stop(folder: Path) -> None:
    """Nothing to do is no error."""
    note = folder / _NOTE
    known = Daemon.load(note)
    if known is not None:
        known.stop(grace=2.0)
    note.unlink(missing_ok=True)
