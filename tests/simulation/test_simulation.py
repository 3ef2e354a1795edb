"""Simulated worlds: they hold, they are the same each time, and they find what is wrong."""

import os
import re
import subprocess
import sys
import textwrap

SEEDS = 24


def simulate(*arguments: str, before: str = "") -> tuple[int, str]:
    """In a process of its own, with a patch `before` that breaks something."""
    program = f"{textwrap.dedent(before)}\nfrom cumulo.cli.main import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", program, "simulate", *arguments],
        env={**os.environ, "PYTHONPATH": "src", "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_some_worlds() -> None:
    status, told = simulate("--seeds", str(SEEDS))
    assert status == 0, told
    assert told == f"{SEEDS} seeds from 1: none failed\n"


def test_a_seed_is_the_same_each_time() -> None:
    """One of one control plane, and one of two, whichever process it is played in."""
    told = [simulate("--seeds", "2", "--first", "7", "--trace", "--jobs", jobs)[1] for jobs in "12"]
    assert told[0] == told[1]
    found = re.findall(r"(\d+) calls, (\d+) deaths", told[0])
    assert [int(calls) > 100 for calls, _ in found] == [True, True]
    assert "power cut of the control plane" in told[0]
    assert "the other control plane starts" in told[0]


FORGETS: dict[str, str] = {
    # A server's resources are not given back.
    "holds resources": """
        from cumulo.placement.service import placement
        placement.PlacementService.release = lambda *_, **__: None
    """,
    # A host's word that something is gone is not heard.
    "has not removed": """
        from cumulo.core.hosts.registry import HostRegistry
        HostRegistry.forget = lambda self, tx, row: None
    """,
}


def test_what_is_wrong_is_found() -> None:
    for words, broken in FORGETS.items():
        # In one world nobody may come by what is broken.
        status, told = simulate("--seeds", "4", before=broken)
        assert status == 1, words
        assert words in told, told
