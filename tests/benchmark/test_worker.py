"""What is left of a run that is killed: workers end, a frozen control plane goes on."""

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
