"""The launcher, with a made-up Python: what it installs, when, and what it starts at the end."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Plays python3: `-m venv DIR` copies itself there, `-m pip install` is noted (and may be slow or
# fail), `-m cumulo.cli.main` shows its arguments.
FAKE_PYTHON = """#!/bin/sh
case "$1 ${2-}" in
    "-c "*) exit 0 ;;
    "-m venv") echo venv >>"$NOTES"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip") echo "pip $*" >>"$NOTES"; printf "${PIP_SAYS-}"
        sleep "${PIP_SECONDS:-0}"; exit "${PIP_STATUS:-0}" ;;
    *) echo "$PYTHONPATH $*"; [ "$2" != "${FAILING-}" ] ;;
esac
"""

# All that the launcher calls but flock.
TOOLS = ["sh", "sha256sum", "cut", "grep", "rm", "id", "mkdir", "cat", "find", "sleep", "cp", "mv"]


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.notes = folder / "notes"
        (self.root / "requirements").mkdir(parents=True)
        shutil.copy(ROOT / "cumulo", self.root / "cumulo")
        for lock in ("run", "test"):
            (self.root / "requirements" / f"{lock}.lock").write_text(f"{lock}==1\n")
        (folder / "bin").mkdir()
        python = folder / "bin" / "python3"
        python.write_text(FAKE_PYTHON)
        python.chmod(0o755)
        self.environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "NOTES": str(self.notes),
        }

    def start(
        self,
        *arguments: str,
        program: Path | str | None = None,
        cwd: Path | None = None,
        **env: str,
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [program or self.root / "cumulo", *arguments],
            cwd=cwd,
            env={**self.environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        *arguments: str,
        program: Path | str | None = None,
        cwd: Path | None = None,
        **env: str,
    ) -> tuple[int, str, str]:
        process = self.start(*arguments, program=program, cwd=cwd, **env)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def without_flock(self) -> None:
        """From now on the machine has nothing but TOOLS."""
        folder = self.root.parent / "bin"
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found
            (folder / tool).symlink_to(found)
        self.environment["PATH"] = str(folder)

    def done(self) -> list[str]:
        """What was made since the last look, by first words."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return [line if line == "venv" else f"pip {Path(line.split()[-1]).stem}" for line in lines]

    @property
    def started(self) -> str:
        return f"{self.root}/src -m cumulo.cli.main"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_first_run_installs_and_the_second_does_not(checkout: Checkout) -> None:
    status, out, err = checkout.run("up", "a b", "")
    assert (status, out) == (0, f"{checkout.started} up a b \n")
    assert "installing 1 Python packages" in err
    assert checkout.done() == ["venv", "pip run"]
    status, out, err = checkout.run("--help")
    assert (status, out, err) == (0, f"{checkout.started} --help\n", "")
    assert checkout.done() == []


def test_pip_may_only_install_what_is_hashed(checkout: Checkout) -> None:
    checkout.run()
    assert "--require-hashes" in checkout.notes.read_text()


def test_from_elsewhere_and_through_links(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run()
    absolute, relative = tmp_path / "absolute", tmp_path / "bin" / "cumulo"
    absolute.symlink_to(checkout.root / "cumulo")
    relative.symlink_to("../absolute")
    for program in (absolute, relative, "checkout/cumulo", "cumulo"):
        status, out, _ = checkout.run("x", program=program, cwd=tmp_path)
        assert (status, out) == (0, f"{checkout.started} x\n")


def test_a_new_lock_file_is_installed(checkout: Checkout) -> None:
    checkout.run()
    checkout.done()
    (checkout.root / "requirements" / "run.lock").write_text("run==2\n")
    checkout.run()
    assert checkout.done() == ["pip run"]
    checkout.run()
    assert checkout.done() == []


def test_a_failed_installation_is_begun_anew(checkout: Checkout) -> None:
    status, out, err = checkout.run("up", PIP_STATUS="1")
    assert (status, out) == (1, "")
    assert "could not be installed" in err
    assert checkout.done() == ["venv", "pip run"]
    status, _, _ = checkout.run("up")
    assert status == 0
    assert checkout.done() == ["venv", "pip run"]


def test_an_environment_without_its_python_is_remade(checkout: Checkout) -> None:
    checkout.run()
    checkout.done()
    (checkout.root / ".venv" / "bin" / "python").unlink()
    assert checkout.run()[0] == 0
    assert checkout.done() == ["venv", "pip run"]


def test_an_index_that_does_not_answer_is_told_once(checkout: Checkout) -> None:
    retries = "WARNING: Retrying (Retry(total=1)) after connection broken\\n" * 3
    status, _, err = checkout.run("up", PIP_SAYS=retries + "ERROR: at last\\n", PIP_STATUS="1")
    assert status != 0
    assert err.count("offline?") == 1 and "Retrying" not in err and "ERROR: at last" in err
    assert "run the same command again" in err
    assert checkout.run("up")[0] == 0


def test_what_ran_runs_on_when_the_tests_packages_cannot_be_had(checkout: Checkout) -> None:
    checkout.run()
    checkout.done()
    retries = "WARNING: Retrying (Retry(total=1)) after connection broken\\n"
    assert checkout.run("test", PIP_SAYS=retries, PIP_STATUS="1")[0] != 0
    assert checkout.done() == ["pip test"]
    assert checkout.run("up")[0] == 0 and checkout.done() == []
    # A failure of another kind may have left half of something.
    assert checkout.run("test", PIP_STATUS="1")[0] != 0
    assert checkout.done() == ["pip test"]
    assert checkout.run("up")[0] == 0 and checkout.done() == ["venv", "pip run"]


@pytest.mark.parametrize("with_flock", [True, False])
def test_two_at_once_install_once(checkout: Checkout, with_flock: bool) -> None:
    if not with_flock:
        checkout.without_flock()
    both = [checkout.start("up", PIP_SECONDS="1") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, f"{checkout.started} up\n"), err
    assert checkout.done() == ["venv", "pip run"]


def test_a_dead_owner_of_the_lock_is_passed_over(checkout: Checkout) -> None:
    checkout.without_flock()
    gone = subprocess.Popen(["true"])
    gone.wait()
    (checkout.root / ".venv.lock.d").mkdir()
    (checkout.root / ".venv.lock.d" / "pid").write_text(f"{gone.pid}\n")
    assert checkout.run("up")[0] == 0
    assert not (checkout.root / ".venv.lock.d").exists()


def test_the_tests_have_their_own_packages(checkout: Checkout) -> None:
    checkout.run()
    checkout.done()
    status, out, _ = checkout.run("test")
    assert status == 0
    assert checkout.done() == ["pip test"]
    started = [line.partition(" -m ")[2] for line in out.splitlines()]
    assert started == [
        "cumulo.cli.main setup --tests",
        "ruff check .",
        "ruff format --check .",
        "mypy",
        f"pytest -n {len(os.sched_getaffinity(0))} --dist worksteal"
        " --durations=40 --durations-min=5",
    ]
    checkout.run("up")
    assert checkout.run("test", "-x", "tests/cli")[1].endswith("-m pytest -x tests/cli\n")
    assert checkout.done() == []


@pytest.mark.parametrize("tool", ["ruff", "mypy", "pytest", "cumulo.cli.main"])
def test_one_failing_check_fails_and_the_others_still_run(checkout: Checkout, tool: str) -> None:
    status, out, err = checkout.run("test", FAILING=tool)
    assert status == 1
    assert len(out.splitlines()) == 5
    assert "cumulo: failed:" in err


def test_stamps_are_the_lock_files_checksums(checkout: Checkout) -> None:
    checkout.run("test")
    for lock in ("run", "test"):
        content = (checkout.root / "requirements" / f"{lock}.lock").read_bytes()
        stamp = (checkout.root / ".venv" / f"{lock}.stamp").read_text().strip()
        assert stamp == hashlib.sha256(content).hexdigest()
