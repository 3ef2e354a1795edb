"""The user's clouds.yaml: our entries in a marked block, everything else untouched."""

import contextlib
import os
import pwd
import re
from pathlib import Path

import yaml

BEGIN = "  # >>> cumulo: written by `cumulo up`, removed by `cumulo down --purge`\n"
END = "  # <<< cumulo\n"
_OWNER = re.compile(re.escape(BEGIN) + r"  # data: (.+)\n")
_BLOCK = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)


def default_path() -> Path:
    """Of the user who typed it, also where that was behind `sudo`."""
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    if named:
        return Path(named)
    base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    who = os.environ.get("SUDO_USER")
    if who and os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            base = Path(pwd.getpwnam(who).pw_dir) / ".config"
    return base / "openstack" / "clouds.yaml"


class ForeignEntry(Exception):
    """The user's file has a cloud of that name that we did not write, or cannot be read."""


def _of_another(text: str, owner: Path | None) -> str | None:
    """The data directory of another cloud of ours that has its entries here."""
    found = _OWNER.search(text)
    return found[1] if found and owner is not None and found[1] != str(owner) else None


def write(path: Path, clouds: dict[str, object], *, owner: Path | None = None) -> None:
    """Merge our clouds into the file. Raises ForeignEntry rather than touch another's."""
    text = path.read_text() if path.exists() else ""
    another = _of_another(text, owner)
    if another is not None and (Path(another) / "secrets").exists():
        raise ForeignEntry(f"{path} has the entries of the cloud in {another}")
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
    named = f"  # data: {owner}\n" if owner is not None else ""
    block = BEGIN + named + "".join(f"  {line}\n" for line in dumped.splitlines()) + END
    found = re.search(r"^clouds:[ \t]*(\{\}|null|~)?[ \t]*(#.*)?\n", rest, re.M)
    if theirs and found is None:
        raise ForeignEntry(f"{path} writes its clouds in a form that cannot be added to")
    if found is None:
        merged = (rest.rstrip("\n") + "\n" if rest.strip() else "") + "clouds:\n" + block
    else:
        merged = rest[: found.start()] + "clouds:\n" + block + rest[found.end() :]
    if merged != text:
        _replace(path, merged)


def remove(path: Path, *, owner: Path | None = None) -> None:
    """Take our entries out; a file that then says nothing goes too."""
    if not path.exists():
        return
    text = path.read_text()
    if _of_another(text, owner) is not None:
        return
    rest = _BLOCK.sub("", text)
    if rest == text:
        return
    if not (yaml.safe_load(rest) or {"clouds": None}).get("clouds") and rest.strip() == "clouds:":
        path.unlink()
        return
    _replace(path, rest)


def _replace(path: Path, text: str) -> None:
    """A link stays one, and a file that was there keeps its owner and its mode; a new one is for
    its user alone."""
    path = path.resolve()
    before = path.stat() if path.exists() else None
    _make_folder(path.parent)
    temporary = path.with_name(path.name + ".cumulo-new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        if before is not None:
            os.fchmod(descriptor, before.st_mode & 0o777)
        if os.geteuid() == 0:
            like = before or path.parent.stat()
            os.fchown(descriptor, like.st_uid, like.st_gid)
    temporary.replace(path)


def _make_folder(folder: Path) -> None:
    """As its parent's owner's."""
    if folder.exists():
        return
    _make_folder(folder.parent)
    folder.mkdir()
    if os.geteuid() == 0:
        above = folder.parent.stat()
        os.chown(folder, above.st_uid, above.st_gid)
