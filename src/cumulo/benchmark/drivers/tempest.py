"""Tempest in an environment of its own: installed from the package index, listed, run."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cumulo.benchmark.drivers.workers import WITH_US
from cumulo.core.run.commands import CommandFailed, run
from cumulo.core.run.streams import Stream

INSTALL = 1800.0
LIST = 900.0
ENDING = 60.0
LONGEST = 24 * 3600.0
READ = 256 * 1024
READER = Path(__file__).parent.parent / "verification" / "subunit_reader.py"


class Tempest:
    """One verifier. `folder` has its programs (`venv`), `place` what it has of one cloud: its
    configuration, lists, logs; each run has a stream of its own there."""

    def __init__(
        self, folder: Path, place: Path | None = None, *, system_wide: bool = False
    ) -> None:
        self._folder = place or folder
        self._venv = Path(sys.prefix) if system_wide else folder / "venv"

    @property
    def _python(self) -> str:
        return str(self._venv / "bin" / "python")

    async def install(self, requirements: Sequence[str]) -> str:
        """Make the environment; the version that it got. Raises CommandFailed."""
        await run([sys.executable, "-m", "venv", str(self._venv)], timeout=INSTALL)
        await self.add(requirements)
        return await self.version()

    async def add(self, requirements: Sequence[str]) -> None:
        """Install more packages: plugins."""
        argv = [self._python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = [r for r in requirements if r == "--upgrade"]
        wanted = [r for r in requirements if r != "--upgrade"]
        await run([*argv, *options, "--", *wanted], timeout=INSTALL)

    async def version(self) -> str:
        code = "from importlib.metadata import version; print(version('tempest'))"
        return (await run([self._python, "-c", code], timeout=60)).decode().strip()

    async def extensions(self) -> list[tuple[str, str, str]]:
        """Plugins: name, entry point, package."""
        code = (
            "import json; from importlib.metadata import entry_points as e; "
            "print(json.dumps([(p.name, p.value, p.dist.name) "
            "for p in e(group='tempest.test_plugins')]))"
        )
        said = await run([self._python, "-c", code], timeout=60)
        return [(name, entry, package) for name, entry, package in json.loads(said)]

    async def remove(self, package: str) -> None:
        argv = [self._python, "-m", "pip", "uninstall", "--quiet", "--yes", "--", package]
        await run(argv, timeout=INSTALL)

    async def tests(self, pattern: str) -> list[str]:
        """The names of tests that match. Raises CommandFailed."""
        argv = [*self._run(), "--list-tests", *(["--regex", pattern] if pattern else [])]
        output = await self._inside(argv, LIST)
        names = [line.strip() for line in output.decode(errors="replace").splitlines()]
        return [name for name in names if "." in name and " " not in name]

    async def start(
        self,
        *,
        pattern: str = "",
        load_list: str = "",
        skip: Sequence[str] = (),
        concurrency: int = 0,
    ) -> str:
        """Run tests; the results as JSON (see verification.subunit_reader)."""
        number = secrets.token_hex(8)
        argv = [*self._run(), "--subunit"]
        argv += ["--concurrency", str(concurrency)] if concurrency else []
        argv += ["--regex", pattern] if pattern else []
        if load_list:
            argv += ["--load-list", str(self._write(f"{number}.load", load_list))]
        if skip:
            argv += ["--exclude-list", str(self._write(f"{number}.skip", "\n".join(skip) + "\n"))]
        stream = self._folder / f"{number}.subunit"
        await self._to_file(argv, stream)
        return await self.read(str(stream))

    async def read(self, path: str) -> str:
        """What a run has said (subunit), as JSON."""
        return (await run([self._python, str(READER), path], timeout=600)).decode()

    def _run(self) -> list[str]:
        return [
            str(self._venv / "bin" / "tempest"),
            "run",
            "--config-file",
            str(self._folder / "tempest.conf"),
        ]

    async def _inside(self, argv: list[str], timeout: float) -> bytes:
        await self._prepare()
        return await run([*self._env(), *argv], timeout=timeout)

    async def _to_file(self, argv: list[str], path: Path) -> None:
        """Its output is a stream of any length. That tests failed is no failure of it."""
        await self._prepare()
        stream = await Stream.start([*WITH_US, *self._env(), *argv], patience=LONGEST)
        try:
            with path.open("wb") as file:
                while block := await stream.read(READ):
                    file.write(block)
        except CommandFailed as failed:
            if failed.status != 1 or not _size(path):
                raise
        except asyncio.CancelledError:
            await self._interrupted(stream)
            raise
        finally:
            # Its workers are processes of their own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(stream.pid, signal.SIGKILL)
            await stream.kill()

    @staticmethod
    async def _interrupted(stream: Stream) -> None:
        """Tests that run may clean up after themselves."""
        with contextlib.suppress(ProcessLookupError, TimeoutError, CommandFailed):
            os.killpg(stream.pid, signal.SIGINT)
            async with asyncio.timeout(ENDING):
                while await stream.read(READ):
                    pass

    async def _prepare(self) -> None:
        """The workspace: a file that says where Tempest's tests are."""
        lacks = self._lacks()
        if ".stestr.conf" in lacks:
            await self._discovery()
        if ".stestr" in lacks:
            # A run makes it itself; a list wants it to be there.
            await run([*self._env(), str(self._venv / "bin" / "stestr"), "init"], timeout=60)

    def _lacks(self) -> list[str]:
        """What is not there yet; folders of its own are made."""
        for name in ("logs", "lock"):
            (self._folder / name).mkdir(exist_ok=True)
        return [name for name in (".stestr.conf", ".stestr") if not (self._folder / name).exists()]

    async def _discovery(self) -> None:
        code = "import os, tempest; print(os.path.dirname(tempest.__file__))"
        found = (await run([self._python, "-c", code], timeout=60)).decode().strip()
        (self._folder / ".stestr.conf").write_text(
            f"[DEFAULT]\ntest_path={found}/test_discover\ntop_dir={Path(found).parent}\n"
            "group_regex=([^\\.]*\\.)*\n"
        )

    def _env(self) -> list[str]:
        """Words before a command: the folder that it works in and what it has to know."""
        path = f"{self._venv / 'bin'}:{os.environ.get('PATH', '')}"
        return [
            "env",
            "-C",
            str(self._folder),
            "-u",
            "PYTHONPATH",
            f"PATH={path}",
            f"TEMPEST_CONFIG_DIR={self._folder}",
            "TEMPEST_CONFIG=tempest.conf",
        ]

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        return path


def _size(path: Path) -> int:
    return path.stat().st_size
