"""Commands that task files name: hooks. An argument vector, never a shell."""

import shlex

from cumulo.core.run.commands import CommandFailed, run

LONGEST = 3600.0
SHOWN = 10_000


class Commands:
    """Runs a hook's command to its end."""

    async def run(self, line: str) -> tuple[int, str, str]:
        """(status, output, errors). A line that is no command has status 127."""
        try:
            argv = shlex.split(line)
        except ValueError as error:
            return 127, "", f"not a command: {error}"
        if not argv:
            return 127, "", "an empty command"
        try:
            output = await run(argv, timeout=LONGEST)
        except CommandFailed as error:
            return error.status or 1, "", error.stderr[:SHOWN]
        return 0, output.decode(errors="replace")[:SHOWN], ""
