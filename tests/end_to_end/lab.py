"""A cloud with real guests, whole and with its clients, inside a network namespace without a way
out, as a user meets it: the command line starts it, the stock clients use it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cumulo.cli import packages
from cumulo.core.run import namespaces
from tests.support.packages import programs_of

ROOT = Path(__file__).parents[2]


class Lab:
    """`with Lab() as lab`: everything is removed at the end, also after a failure."""

    def __init__(self) -> None:
        self.namespace = f"ct{secrets.token_hex(3)}"
        self.folder = Path(tempfile.mkdtemp(prefix="cumulo-lab-"))
        # Guests run as an ordinary user and must get to their disks below it.
        self.folder.chmod(0o755)
        self.data_dir = self.folder / "data"
        self._programs: Path | None = None
        cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        image = os.environ.get("CUMULO_GUEST_IMAGE") or cached / "cumulo/guest/guest.qcow2"
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT / "src"),
            "CUMULO_GUEST_IMAGE": str(image),
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "ignore",
        }

    def __enter__(self) -> "Lab":
        namespaces.create_namespace(self.namespace)
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.cumulo("down", "--purge", "--yes", check=False)
        finally:
            namespaces.delete_namespace(self.namespace)
            shutil.rmtree(self.folder, ignore_errors=True)

    def only_packages(self, *sections: str) -> None:
        """From now on `cumulo` finds no programs but those that its lists of packages bring."""
        self._programs = self.folder / "programs"
        programs_of(packages.wanted(*sections), self._programs)
        assert not (self._programs / "nginx").exists()

    def run(
        self,
        *argv: str,
        timeout: float = 120,
        check: bool = True,
        stdin: str | None = None,
        path: Path | None = None,
    ) -> str:
        """Run a command in the namespace; its standard output."""
        done = subprocess.run(
            ["nsenter", f"--net={namespaces.namespace_path(self.namespace)}", "--", *argv],
            env=self.environment | ({"PATH": str(path)} if path else {}),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.folder,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def cumulo(self, *arguments: str, check: bool = True, timeout: float = 300) -> str:
        argv = [sys.executable, "-m", "cumulo.cli.main", *arguments]
        argv += ["--data-dir", str(self.data_dir)]
        return self.run(*argv, check=check, timeout=timeout, path=self._programs)

    def openstack(self, *arguments: str, cloud: str = "cumulo-demo", check: bool = True) -> str:
        """The stock client; what it prints."""
        return self.run("openstack", "--os-cloud", cloud, *arguments, check=check, timeout=300)

    def json(self, *arguments: str, cloud: str = "cumulo-demo") -> Any:
        return json.loads(self.openstack(*arguments, "-f", "json", cloud=cloud))

    def ssh(self, address: str, command: str, *, seconds: float = 180, user: str = "cumulo") -> str:
        """Run a command in a guest by its key; tried again until it answers."""
        end = time.monotonic() + seconds
        while True:
            argv = ["ssh", "-i", str(self.folder / "key"), "-o", "StrictHostKeyChecking=no"]
            argv += ["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5"]
            argv += ["-o", "LogLevel=ERROR", "-o", "BatchMode=yes", f"{user}@{address}", command]
            done = subprocess.run(
                ["nsenter", f"--net={namespaces.namespace_path(self.namespace)}", "--", *argv],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode != 255:
                assert done.returncode == 0, (command, done.stdout, done.stderr)
                return done.stdout
            assert time.monotonic() < end, f"no ssh to {address}: {done.stderr}"
            time.sleep(1)

    def until(self, what: Any, accept: Any, seconds: float = 180) -> Any:
        end = time.monotonic() + seconds
        while True:
            found = what()
            if accept(found):
                return found
            assert time.monotonic() < end, found
            time.sleep(0.5)
