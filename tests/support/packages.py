"""A folder with the programs of some Debian packages only: a machine that has no others.

What developers' and CI's machines have by chance hides what a list of packages lacks.
"""

import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

PLACES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_FORMAT = (
    "${Package}\t${db:Status-Status}\t${Essential}\t${Priority}\t"
    "${Pre-Depends}, ${Depends}\t${Provides}\n"
)


def programs_of(packages: Iterable[str], folder: Path) -> set[str]:
    """Links in `folder` to the programs of the packages, of what they depend on, and of what every
    Debian has (priority `required`); the names of the packages."""
    wanted = list(packages)
    depends: dict[str, list[list[str]]] = {}
    provided: dict[str, list[str]] = {}
    for line in _ask("dpkg-query", "-W", "-f", _FORMAT).splitlines():
        name, status, essential, priority, needs, provides = line.split("\t")
        if status != "installed":
            continue
        depends[name] = [[_name(each) for each in part.split("|")] for part in needs.split(",")]
        for each in provides.split(","):
            provided.setdefault(_name(each), []).append(name)
        if essential == "yes" or priority == "required":
            wanted.append(name)
    known: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in known and name in depends:
            known.add(name)
            wanted += [
                found for group in depends[name] for found in _first(group, depends, provided)
            ]
    owned = {path for name in known for path in _files(name)}
    folder.mkdir(parents=True)
    for place in PLACES:
        for path in Path(place).iterdir():
            # Alternatives are links of nobody's to the program that was chosen.
            if _owned(path, owned) or _owned(path.resolve(), owned):
                link = folder / path.name
                if not link.is_symlink():
                    link.symlink_to(path)
    return known


def _first(
    group: Iterable[str], depends: Collection[str], provided: Mapping[str, list[str]]
) -> list[str]:
    """Of alternatives the first that is installed, by its own name or another's."""
    for name in group:
        found = [name] if name in depends else provided.get(name, [])[:1]
        if found:
            return found
    return []


def _owned(path: Path, owned: set[str]) -> bool:
    """By its name with and without /usr: packages know the one, the merged system has both."""
    text = str(path)
    return text in owned or text.removeprefix("/usr") in owned or f"/usr{text}" in owned


def _files(package: str) -> list[str]:
    return [
        line
        for listing in Path("/var/lib/dpkg/info").glob(f"{package}*.list")
        if listing.name.partition(":")[0].removesuffix(".list") == package
        for line in listing.read_text().splitlines()
        if "bin/" in line
    ]


def _name(relation: str) -> str:
    return relation.strip().partition(" ")[0].partition(":")[0]


def _ask(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
