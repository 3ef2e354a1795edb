"""Long-lived processes that outlive the control plane: guests, DHCP servers.

A process is known by its pid *and* its start time, so that a pid that the kernel gave to
somebody else is never taken for ours, nor signalled.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cumulo.core.run.commands import in_namespace_argv


@dataclass(frozen=True, slots=True)
class Daemon:
    """pid and start time (clock ticks since boot, field 22 of /proc/PID/stat)."""

    pid: int
    started: int

    def alive(self) -> bool:
        return process_start(self.pid) == self.started

    def send(self, number: int) -> None:
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self, *, grace: float = 5.0) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds. Blocks until the process is gone."""
        self.send(signal.SIGTERM)
        if not self.wait(grace):
            self.send(signal.SIGKILL)
            self.wait(5.0)

    def wait(self, seconds: float) -> bool:
        """True as soon as the process is gone, False after `seconds`."""
        end = time.monotonic() + seconds
        while self.alive():
            _reap(self.pid)
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.write_text(f"{self.pid} {self.started}\n")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Daemon | None":
        """The process that `save` noted there, or None when the file is absent or broken."""
        try:
            pid, started = path.read_text().split()
            return cls(int(pid), int(started))
        except (OSError, ValueError):
            return None


def process_start(pid: int) -> int | None:
    """Start time of a live process; None when there is none or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def start_daemon(
    argv: Sequence[str],
    *,
    log: Path,
    namespace: str | None = None,
    pass_fds: Sequence[int] = (),
    user: int | None = None,
    group: int | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Daemon:
    """Start a process in a session of its own; its output is appended to `log`. `stdin`: a file
    descriptor that it reads.

    With `user` and `group` (numeric ids) it runs unprivileged, without supplementary groups.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            in_namespace_argv(argv, namespace),
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            cwd=cwd,
        )
    # The child is adopted by init when we end; until then _reap collects it.
    child.returncode = 0
    started = process_start(child.pid)
    return Daemon(child.pid, started if started is not None else -1)
