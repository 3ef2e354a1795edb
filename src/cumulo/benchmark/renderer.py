"""Fills in a task file's template in a process of its own, with little memory and time: a template
is a program, and no look at its text tells what it will take.

`python -m cumulo.benchmark.renderer`: a Page on the standard input, an answer on the output.
"""

import resource
import sys
from pathlib import Path
from typing import Any

import msgspec

from cumulo.benchmark import template

MEMORY = 768 * 1024 * 1024
SECONDS = 20


class Page(msgspec.Struct):
    text: str
    args: dict[str, Any]
    folder: str


class Answer(msgspec.Struct):
    """The file, or why there is none."""

    rendered: str = ""
    problem: str = ""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    page = msgspec.json.decode(sys.stdin.buffer.read(), type=Page)
    try:
        answer = Answer(template.render(page.text, page.args, Path(page.folder)))
    except template.BadTemplate as error:
        answer = Answer(problem=str(error)[: template.FILE_BYTES])
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
