"""A measured cloud that runs on this machine: its process, its CPU, and harm done to it.

`fault_injection` hooks: `kill control plane`, `kill control plane for 5 seconds` (it is started
again as it was), `freeze control plane for 2 seconds`. Only a control plane of Cumulo, of this
user, that listens where the environment says: what is done is done to nothing else.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from cumulo.benchmark.client.clouds import platform_of
from cumulo.benchmark.engine.hooks import FAULTS, KNOWN_FAULTS
from cumulo.benchmark.model.result import Environment
from cumulo.core.run.daemons import start_daemon
from cumulo.core.work import pools

HERE = ("127.0.0.1", "::1", "localhost")
ENDING = 10.0
AGAIN = 120.0
LONGEST = 600.0


class NotOurs(Exception):
    """There is no control plane here that may be harmed; the text says why."""


def server_cpu(env: Environment) -> Callable[[], tuple[str, float] | None]:
    """The measured control plane's process and its seconds of CPU, if it runs here and is one: of
    a tunnel or proxy that listens there the figure would say nothing."""
    return lambda: _spent(env)


def _spent(env: Environment) -> tuple[str, float] | None:
    pid = process_of(env)
    try:
        if pid is None or not _is_control_plane(pid):
            return None
        spent = _cpu(pid)
        return None if spent is None else (f"{pid}:{_began(pid)}", spent)
    except OSError:
        return None


def _is_control_plane(pid: int) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return b"cumulo.cli.main" in words and bool({b"serve", b"up"} & set(words))


def _began(pid: int) -> str:
    """When a process began, in ticks since boot."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def process_of(env: Environment) -> int | None:
    """The process that listens where the environment's identity is, if that is on this machine."""
    parts = urlsplit(platform_of(env.spec).get("auth_url", ""))
    if parts.hostname not in HERE:
        return None
    return _listener(parts.port or (443 if parts.scheme == "https" else 80))


def _listener(port: int) -> int | None:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return None
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            for link in folder.iterdir():
                if str(link.readlink()) in inodes:
                    return int(folder.parent.name)
        except OSError:
            continue
    return None


def _cpu(pid: int) -> float | None:
    """By the scheduler's own nanoseconds: the ticks of `stat` are samples."""
    spent = 0
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                spent += int((thread / "schedstat").read_text().split()[0])
    except OSError:
        return None
    return spent / 1e9


def fault(env: Environment) -> Callable[[str], Awaitable[str]]:
    """What `fault_injection` hooks do."""

    async def harm(order: str) -> str:
        found = FAULTS.fullmatch(order.strip())
        if found is None:
            raise NotOurs(f"{order!r} is not known; known are: {KNOWN_FAULTS}")
        seconds = min(LONGEST, float(found.group(2) or 0))
        pid = _own_control_plane(env)
        if found.group(1) == "freeze":
            return await _freeze(pid, seconds or 1.0)
        done = await _kill(pid, seconds)
        return f"{done}, {await _until_it_answers(env)}"

    return harm


def _own_control_plane(env: Environment) -> int:
    pid = process_of(env)
    if pid is None:
        raise NotOurs("the measured cloud does not run on this machine, or is not answering")
    if not _is_control_plane(pid):
        raise NotOurs(f"what listens there (process {pid}) is no control plane of Cumulo")
    if Path(f"/proc/{pid}").stat().st_uid != os.getuid():
        raise NotOurs(f"the control plane (process {pid}) is another user's")
    return pid


async def _freeze(pid: int, seconds: float) -> str:
    # Whoever kills this process leaves no cloud that stands still: another one wakes it then.
    nothing = asyncio.subprocess.DEVNULL
    waker = await asyncio.create_subprocess_exec(
        *("sh", "-c", f"sleep {seconds:f}; kill -CONT {pid}"),
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        start_new_session=True,
    )
    try:
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.killpg(waker.pid, signal.SIGKILL)
        await waker.wait()
    return f"the control plane (process {pid}) stood still for {seconds:g} s"


# Becomes what was killed: when that is gone, and when nobody holds the other end of its input any
# more. So it is there again after the time that was asked for, and at once if whoever asked ended.
_AGAIN = """
n=0
while [ -e /proc/$0 ] && ! grep -q '^State:.*Z' /proc/$0/status; do
    n=$((n + 1)); [ $n -gt 200 ] && exit 1
    sleep 0.05
done
read line
exec "$@" </dev/null
"""


async def _kill(pid: int, seconds: float) -> str:
    """SIGKILL, as a power cut is; started again with the same words in the same folder."""
    argv, cwd, log = _as_it_was_started(pid)
    reads, holds = os.pipe()
    try:
        again = ["sh", "-c", _AGAIN, str(pid), *argv]
        daemon = start_daemon(again, log=log / "restarted.log", cwd=cwd, stdin=reads)
    except BaseException:
        os.close(holds)
        raise
    finally:
        os.close(reads)
    try:
        os.kill(pid, signal.SIGKILL)
        await pools.TOOLS(_await_end, pid)
        await asyncio.sleep(seconds)
    finally:
        # Also when the run ends meanwhile: it is to be as it was.
        os.close(holds)
    down = f" after {seconds:g} s" if seconds else ""
    return f"the control plane (process {pid}) was killed; started again{down} as {daemon.pid}"


async def _until_it_answers(env: Environment) -> str:
    """What contexts have made is taken away after the load: not before there is somebody to ask."""
    began = time.monotonic()
    while time.monotonic() - began < AGAIN:
        if await pools.TOOLS(process_of, env) is not None:
            return f"there again {time.monotonic() - began:.1f} s later"
        await asyncio.sleep(0.1)
    raise NotOurs(f"it was started again and does not answer after {AGAIN:g} s")


def _await_end(pid: int) -> None:
    end = time.monotonic() + ENDING
    while not _gone(pid) and time.monotonic() < end:
        time.sleep(0.02)


def _gone(pid: int) -> bool:
    """Ended, whether or not its parent has looked at it."""
    try:
        return b") Z " in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True


def _as_it_was_started(pid: int) -> tuple[list[str], Path, Path]:
    """(words, folder, where its output may go)."""
    folder = Path(f"/proc/{pid}")
    argv = [w.decode() for w in (folder / "cmdline").read_bytes().split(b"\0") if w]
    data = argv[argv.index("--data-dir") + 1] if "--data-dir" in argv else "."
    return argv, (folder / "cwd").readlink(), Path(data)
