"""The user's clouds.yaml: our entries in a marked block, everything else untouched."""

import os
import re
from pathlib import Path

import yaml

BEGIN = "  # >>> cumulo: written by `cumulo up`, removed by `cumulo down --purge`\n"
END = "  # <<< cumulo\n"
_BLOCK = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)


def default_path() -> Path:
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(named) if named else Path(base).expanduser() / "openstack" / "clouds.yaml"


class ForeignEntry(Exception):
    """The user's file has a cloud of that name that we did not write, or cannot be read."""


def write(path: Path, clouds: dict[str, object]) -> None:
    """Merge our clouds into the file. Raises ForeignEntry rather than touch another's."""
    text = path.read_text() if path.exists() else ""
    rest = _BLOCK.sub("", text)
    try:
        document = yaml.safe_load(rest) or {}
    except yaml.YAMLError as error:
        raise ForeignEntry(f"{path} is not valid YAML: {error}") from None
    theirs = document.get("clouds") if isinstance(document, dict) else None
    taken = set(clouds) & set(theirs or {})
    if taken:
        raise ForeignEntry(f"{path} has its own {', '.join(sorted(taken))}")
    dumped = yaml.safe_dump(clouds, sort_keys=False)
    block = BEGIN + "".join(f"  {line}\n" for line in dumped.splitlines()) + END
    found = re.search(r"^clouds:[ \t]*(\{\}|null|~)?[ \t]*(#.*)?\n", rest, re.M)
    if theirs and found is None:
        raise ForeignEntry(f"{path} writes its clouds in a form that cannot be added to")
    if found is None:
        merged = (rest.rstrip("\n") + "\n" if rest.strip() else "") + "clouds:\n" + block
    else:
        merged = rest[: found.start()] + "clouds:\n" + block + rest[found.end() :]
    if merged != text:
        _replace(path, merged)


def remove(path: Path) -> None:
    """Take our entries out; a file that then says nothing goes too."""
    if not path.exists():
        return
    text = path.read_text()
    rest = _BLOCK.sub("", text)
    if rest == text:
        return
    if not (yaml.safe_load(rest) or {"clouds": None}).get("clouds") and rest.strip() == "clouds:":
        path.unlink()
        return
    _replace(path, rest)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".cumulo-new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
