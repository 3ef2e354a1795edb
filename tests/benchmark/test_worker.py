"""What is left of a run that is killed: workers end, a frozen control plane goes on, a killed one
is there again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from cumulo.benchmark.engine.several import Order

STARTER = """
import pathlib, subprocess, sys, time
from cumulo.benchmark.drivers.workers import command
child = subprocess.Popen(command(pathlib.Path(sys.argv[1])))
print(child.pid, flush=True)
time.sleep(60)
"""


def ended(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_who_started_it(tmp_path: Path, number: int) -> None:
    order = Order(
        name="Dummy.dummy",
        args={"sleep": 0.01},
        runner_type="constant_for_duration",
        runner={"duration": 60, "concurrency": 1},
        task_uuid="0" * 36,
        first=0,
        step=1,
        platform={},
        users=[],
        tenants={},
        user_choice="random",
        data={},
        admin=None,
    )
    path = tmp_path / "order"
    path.write_bytes(msgspec.msgpack.encode(order))
    argv = [sys.executable, "-c", STARTER, str(path)]
    starter = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    try:
        worker = int(starter.stdout.readline())
        # The order is read, and gone.
        end = time.monotonic() + 20
        while path.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert not path.exists() and not ended(worker, 0.3)
        os.kill(starter.pid, number)
        assert ended(worker, 10)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


KILLER = """
import asyncio, sys
from cumulo.cli.rally.machine import _kill
print(asyncio.run(_kill(int(sys.argv[1]), float(sys.argv[2]))))
"""


def _running(words: str) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if each.read_bytes().rstrip(b"\0").split(b"\0")[-1] == words.encode():
                found.append(int(each.parent.name))
    return found


@pytest.mark.parametrize("killed", [True, False])
def test_what_was_killed_is_there_again_though_who_killed_it_was_killed(
    tmp_path: Path, killed: bool
) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(60)", "--data-dir", str(tmp_path)]
    doomed = subprocess.Popen(words, cwd=tmp_path)
    argv = [sys.executable, "-c", KILLER, str(doomed.pid), "60" if killed else "0.1"]
    harm = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    again: list[int] = []
    try:
        assert doomed.wait(20) == -signal.SIGKILL
        if killed:
            harm.kill()
        end = time.monotonic() + 20
        while time.monotonic() < end and not again:
            again = [p for p in _running(str(tmp_path)) if p != doomed.pid and not _is_shell(p)]
            time.sleep(0.05)
        assert len(again) == 1
        assert Path(f"/proc/{again[0]}/cwd").readlink() == tmp_path
        assert harm.wait(20) == (-signal.SIGKILL if killed else 0)
    finally:
        for process in (harm, doomed):
            process.kill()
            process.wait()
        for pid in _running(str(tmp_path)):
            os.kill(pid, signal.SIGKILL)


def _is_shell(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sh\0")


FREEZER = """
import asyncio, sys
from cumulo.cli.rally.machine import _freeze
asyncio.run(_freeze(int(sys.argv[1]), 1.5))
"""


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def becomes(pid: int, wanted: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while state(pid) != wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("killed", [True, False])
def test_a_frozen_process_goes_on_though_who_froze_it_was_killed(killed: bool) -> None:
    frozen = subprocess.Popen(["sleep", "60"])
    harm = subprocess.Popen([sys.executable, "-c", FREEZER, str(frozen.pid)])
    try:
        assert becomes(frozen.pid, "T", 20)
        if killed:
            harm.kill()
        assert becomes(frozen.pid, "S", 20)
        assert harm.wait(20) == (-signal.SIGKILL if killed else 0)
    finally:
        for each in (harm, frozen):
            each.kill()
            each.wait()
