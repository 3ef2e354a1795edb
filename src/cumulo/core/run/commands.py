"""Short-lived commands: an argument vector in, bytes out, bounded in time and output."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from cumulo.core.run.namespaces import namespace_path
from cumulo.core.work import pools

OUTPUT_LIMIT = 16 * 1024 * 1024
SHORT_SECONDS = 60.0


class CommandFailed(Exception):
    """A command ended with another status than 0, or did not end in time (status -1)."""

    def __init__(self, argv: Sequence[str], status: int, stderr: str) -> None:
        super().__init__(f"{' '.join(argv)}: status {status}: {stderr.strip()[:2000]}")
        self.argv = list(argv)
        self.status = status
        self.stderr = stderr


def in_namespace_argv(argv: Sequence[str], namespace: str | None) -> list[str]:
    """The vector that runs `argv` inside a named network namespace (None: where we are)."""
    if namespace is None:
        return list(argv)
    # nsenter, not `ip netns exec`: the latter also gives a new mount namespace.
    return ["nsenter", f"--net={namespace_path(namespace)}", "--", *argv]


async def run(
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    namespace: str | None = None,
    timeout: float = 30.0,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run a command to its end and return its standard output.

    Raises CommandFailed when it ends with another status than 0 or exceeds `timeout` seconds
    (it is then killed).
    """
    # What may take long holds up no short command.
    pool = pools.TOOLS if timeout <= SHORT_SECONDS else pools.COPY
    return await pool(
        run_blocking, argv, stdin=stdin, namespace=namespace, timeout=timeout, env=env
    )


def run_blocking(
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    namespace: str | None = None,
    timeout: float = 30.0,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """`run` for a worker thread or the command line."""
    vector = in_namespace_argv(argv, namespace)
    try:
        done = subprocess.run(
            vector,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(vector, -1, f"no end after {timeout} s") from late
    except OSError as error:
        raise CommandFailed(vector, -1, str(error)) from error
    if done.returncode != 0:
        raise CommandFailed(vector, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout[:OUTPUT_LIMIT]
