"""A PostgreSQL server of the tests' own, from Debian's packages, as an ordinary user."""

import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path:
    """The folder of the newest installed server. Fails when there is none: CI installs it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert found, "PostgreSQL is not installed: ./cumulo setup --tests"
    return found[-1].parent


@contextmanager
def server() -> Iterator[str]:
    """A running server; its connection string without a database. It listens on a unix socket
    only, and everything goes when the block ends."""
    bin = binaries()
    folder = Path(tempfile.mkdtemp(prefix="cumulo-pg-"))
    folder.chmod(0o755)
    owner = pwd.getpwnam("postgres")
    data = folder / "data"
    data.mkdir()
    shutil.chown(data, "postgres")
    shutil.chown(folder, "postgres")

    def run(*argv: str) -> None:
        done = subprocess.run(
            argv,
            user=owner.pw_uid,
            group=owner.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    run(str(bin / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=50"
    control = str(bin / "pg_ctl")
    run(control, "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)
