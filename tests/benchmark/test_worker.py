"""A worker of a load whose starter is gone: it ends, whatever it was at."""

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
