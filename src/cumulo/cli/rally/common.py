"""What the groups share: the database, the environment, options that may be arguments, tables."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from cumulo.benchmark.client.clouds import BadSpec, spec_of_cloud, spec_of_environment
from cumulo.benchmark.model import timeouts as times
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.queries.store import Exists, NoSuch, Store
from cumulo.benchmark.service import environments

F = TypeVar("F", bound=Callable[..., Any])

OWN_CLOUD = "cumulo"
DEFAULT = "default"


_FILE_FLAGS = ("--task", "--filename")


_UNSEEN = {
    n: "\N{REPLACEMENT CHARACTER}" for n in (*range(32), *range(127, 160)) if n not in (9, 10)
}


def plain(text: str) -> str:
    """What files and clouds say, without what would command a terminal."""
    return text.translate(_UNSEEN)


def say(text: str = "") -> None:
    click.echo(plain(text))


class Command(click.Command):
    """`--tag a b` is `--tag a --tag b`, as with argparse, by which Rally reads."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._spread(args))

    def _spread(self, args: list[str]) -> list[str]:
        options = {flag: p for p in self.params if isinstance(p, click.Option) for flag in p.opts}
        found: list[str] = []
        rest = args = [_whole(word, options) for word in args]
        rest = list(rest)
        placed = any(word.partition("=")[0] in _FILE_FLAGS for word in args)
        while rest:
            word = rest.pop(0)
            option = options.get(word)
            if option is None or not option.multiple:
                placed = placed or not word.startswith("-")
                found.append(word)
                if option is not None and not option.is_flag and rest:
                    found.append(rest.pop(0))
                continue
            values: list[str] = []
            while rest and not rest[0].startswith("-"):
                values.append(rest.pop(0))
            own = values.pop() if len(values) > 1 and self._is_own(values[-1], placed) else None
            found += [each for value in values for each in (word, value)] or [word]
            if own is not None:
                found.append(own)
        return found

    def _is_own(self, word: str, placed: bool) -> bool:
        """Whether the last of several values is the command's argument: the task file that nothing
        else names, or a task's UUID."""
        arguments = [p for p in self.params if isinstance(p, click.Argument)]
        if placed or not arguments or arguments[0].nargs == -1:
            return False
        return arguments[0].name == "file" or (len(word) == 36 and word.count("-") == 4)


def _whole(word: str, options: Mapping[str, click.Option]) -> str:
    """`--file` is `--filename` where nothing else begins so: that, too, is argparse's way, and
    what many a script relies on."""
    name, equals, value = word.partition("=")
    if not name.startswith("--") or name == "--" or name in options:
        return word
    meant = {id(option): flag for flag, option in options.items() if flag.startswith(name)}
    return word if len(meant) != 1 else next(iter(meant.values())) + equals + value


class Group(click.Group):
    command_class = Command


def database() -> Path:
    """CUMULO_RALLY_DB, or rally.sqlite in the user's data directory."""
    named = os.environ.get("CUMULO_RALLY_DB")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "cumulo" / "rally.sqlite"


CONFIGURATION = ("~/.rally/rally.conf", "/etc/rally/rally.conf")


def timeouts() -> dict[str, float]:
    """How long steps wait, out of `--config-file` or of where Rally has its configuration."""
    context = click.get_current_context(silent=True)
    named = (context.find_root().obj or {}).get("config_file") if context else None
    for place in (named,) if named else CONFIGURATION:
        path = Path(place).expanduser()
        if not named and not path.is_file():
            continue
        try:
            return times.parse(path.read_text())
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{path}: {error}") from None
    return {}


def store() -> Store:
    try:
        return Store(database())
    except (OSError, NoSuch) as error:
        raise click.ClickException(f"{database()}: {error}") from None


def by_position(name: str, *flags: str, help: str) -> Callable[[F], F]:
    """Something that may be given as an argument or by a flag, as Rally has had both."""

    def add(function: F) -> F:
        function = click.argument(name, required=False)(function)
        return click.option(*flags, f"{name}_flag", help=help, metavar="TEXT")(function)

    return add


def environment(kept: Store, named: str | None) -> Environment:
    """The environment that is meant: named, by RALLY_ENV, the one in use, or made out of what the
    shell or clouds.yaml say. Exit status 1 if there is none."""
    named = named or os.environ.get("RALLY_ENV") or os.environ.get("RALLY_DEPLOYMENT")
    try:
        if named:
            return kept.environment(named)
        chosen = kept.chosen(environments.CHOSEN)
        if chosen:
            return kept.environment(chosen)
    except NoSuch as error:
        raise click.ClickException(str(error)) from None
    try:
        if os.environ.get("OS_AUTH_URL") or os.environ.get("OS_CLOUD"):
            spec = spec_of_environment(os.environ)
        else:
            spec = spec_of_cloud(OWN_CLOUD)
    except BadSpec as error:
        raise click.ClickException(
            f"There is no environment, and none could be found: {error}. Make one: "
            "rally env create --name NAME --cloud CLOUD"
        ) from None
    return _default(kept, spec)


def _default(kept: Store, spec: dict[str, Any]) -> Environment:
    """The environment that nobody had to make; there may be one from before, or made just now by
    another process."""
    try:
        return environments.create(kept, DEFAULT, spec)
    except Exists:
        found = kept.environment(DEFAULT)
    if found.spec != spec:
        raise click.ClickException(
            f"The environment '{DEFAULT}' is another cloud than the shell names. Say which is "
            f"meant: rally env use {DEFAULT}, or rally env create --name NAME --from-sysenv"
        )
    kept.choose(environments.CHOSEN, found.uuid)
    return found


def task_id(kept: Store, given: str | None, flag: str | None) -> str:
    """The task that is meant: named (or its first letters, or `last`), by RALLY_TASK, in use."""
    named = flag or given or os.environ.get("RALLY_TASK") or kept.chosen("task")
    if not named:
        raise click.UsageError("No task is in use; name one by its UUID (see rally task list).")
    if named == "last":
        tasks = kept.tasks()
        if not tasks:
            raise click.ClickException("There are no tasks.")
        return tasks[-1].uuid
    if len(named) < 36:
        found = [t.uuid for t in kept.tasks() if t.uuid.startswith(named)]
        if len(found) == 1:
            return found[0]
    return named


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Text in boxes."""
    lines = [[_cell(value) for value in row] for row in rows]
    heights: list[str] = []
    split = [[cell.split("\n") for cell in line] for line in lines]
    widths = [
        max([len(name), *(len(part) for line in split for part in line[n])])
        for n, name in enumerate(columns)
    ]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    heights += [rule, _line(list(columns), widths), rule]
    for line in split:
        for n in range(max(len(cell) for cell in line)):
            heights.append(_line([cell[n] if n < len(cell) else "" for cell in line], widths))
    return "\n".join([*heights, rule])


def _line(cells: list[str], widths: list[int]) -> str:
    return "|" + "|".join(f" {c.ljust(w)} " for c, w in zip(cells, widths, strict=True)) + "|"


def _cell(value: object) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.3f}"
    return plain(str(value))


def header(words: str) -> str:
    rule = "-" * 80
    return f"{rule}\n {words}\n{rule}\n"


def tags_of(tags: list[str]) -> str:
    return ", ".join(f"'{tag}'" for tag in tags)
