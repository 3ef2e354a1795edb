"""Templates filled in by another process, which may take little memory and time."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from cumulo.benchmark import renderer, template
from cumulo.core.run.commands import CommandFailed, run_blocking


def render(text: str, args: dict[str, Any], folder: Path) -> str:
    """As `template.render`. Raises BadTemplate, for a template without end, too."""
    try:
        page = msgspec.json.encode(renderer.Page(text, args, str(folder)))
    except (msgspec.EncodeError, UnicodeEncodeError, TypeError) as error:
        raise _bad(f"its variables are no text and numbers: {error}") from None
    # -P: a file of the folder where we are is no module of ours.
    argv = [sys.executable, "-P", "-m", "cumulo.benchmark.renderer"]
    try:
        said = run_blocking(argv, stdin=page, timeout=2.0 * renderer.SECONDS)
    except CommandFailed as failed:
        words = failed.stderr.strip().rpartition("\n")[2] if failed.status == 1 else ""
        if not words or "MemoryError" in words:
            words = (
                f"it takes more than {renderer.SECONDS} seconds or {renderer.MEMORY // 1024**2} MiB"
            )
        raise _bad(words) from None
    answer = msgspec.json.decode(said, type=renderer.Answer)
    if answer.problem:
        raise template.BadTemplate(answer.problem)
    return answer.rendered


def _bad(words: str) -> template.BadTemplate:
    return template.BadTemplate(
        f"Invalid task file passed:\n\n\t Failed to render task template.\n\n{words}"
    )
