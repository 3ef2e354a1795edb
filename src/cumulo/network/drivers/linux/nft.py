"""nftables rulesets as values: text from them, differences between them, one transaction each.

Replacing a whole ruleset is atomic and loses no packet, but costs time in proportion to its size;
a difference costs what changed. Which of the two is right is decided by the kernel's own word: a
table whose name is the ruleset's digest is part of every transaction, so a ruleset that somebody
else wrote, or an earlier process, is recognised by one cheap `list tables`.
"""

import hashlib
from dataclasses import dataclass, field

from cumulo.core.run.commands import run
from cumulo.core.work import pools


@dataclass(frozen=True)
class Set:
    """A set, or a map when its type says so. Interval sets are replaced whole: nft 1.0.6 cannot
    be trusted with single changes of overlapping intervals."""

    definition: str
    elements: frozenset[str] = frozenset()
    kind: str = "set"
    interval: bool = False


@dataclass(frozen=True)
class Chain:
    rules: tuple[str, ...] = ()
    hook: str = ""


@dataclass(frozen=True)
class Table:
    family: str
    name: str
    sets: dict[str, Set] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.family} {self.name}"


Ruleset = tuple[Table, ...]


def digest(ruleset: Ruleset) -> str:
    return hashlib.sha256(_difference((), ruleset).encode()).hexdigest()[:16]


def marker(ruleset: Ruleset) -> str:
    """The table that names the ruleset: "inet state_<digest>"."""
    return f"inet state_{digest(ruleset)}"


def full_text(ruleset: Ruleset) -> str:
    """Replace whatever the namespace has."""
    text = _difference((), ruleset)
    return f"flush ruleset\n{text}add table {marker(ruleset)}\n"


def change_text(before: Ruleset, after: Ruleset) -> str:
    """Turn `before` into `after`; both must have the same tables. Fails if the kernel has not
    `before`, since its marker is deleted."""
    return f"delete table {marker(before)}\n{_difference(before, after)}add table {marker(after)}\n"


def _difference(before: Ruleset, after: Ruleset) -> str:
    old = {table.label: table for table in before}
    lines: list[str] = []
    for table in after:
        if table.label not in old:
            lines.append(f"add table {table.label}")
        _table_difference(lines, old.get(table.label, Table(table.family, table.name)), table)
    return "".join(f"{line}\n" for line in lines)


def _table_difference(lines: list[str], old: Table, new: Table) -> None:
    # The order is that of the references: what is referred to is made first and removed last.
    at = new.label
    gone = {n for n, s in old.sets.items() if n not in new.sets or _other_type(s, new.sets[n])}
    kept = {name: old.sets[name] for name in old.sets if name not in gone}
    changed = {n: c for n, c in new.chains.items() if old.chains.get(n) != c}
    dead = sorted(n for n in old.chains if n not in new.chains)
    for name in sorted(changed.keys() - old.chains.keys()):
        hook = changed[name].hook
        lines.append(f"add chain {at} {name}" + (f" {{ {hook} }}" if hook else ""))
    for name in dead + sorted(changed.keys() & old.chains.keys()):
        lines.append(f"flush chain {at} {name}")
    for name, was in sorted(kept.items()):
        _remove_elements(lines, at, name, was, new.sets[name])
    lines.extend(f"delete {old.sets[name].kind} {at} {name}" for name in sorted(gone))
    lines.extend(f"delete chain {at} {name}" for name in dead)
    for name, now in sorted(new.sets.items()):
        was = kept.get(name, Set(now.definition))
        if name not in kept:
            lines.append(f"add {now.kind} {at} {name} {{ {now.definition} }}")
        same = now.interval and was.elements == now.elements
        added = sorted(now.elements if now.interval and not same else now.elements - was.elements)
        if added:
            lines.append(f"add element {at} {name} {{ {', '.join(added)} }}")
    for name, chain in changed.items():
        lines.extend(f"add rule {at} {name} {rule}" for rule in chain.rules)


def _other_type(old: Set, new: Set) -> bool:
    return (old.definition, old.kind) != (new.definition, new.kind)


def _remove_elements(lines: list[str], at: str, name: str, old: Set, new: Set) -> None:
    if new.interval:
        if old.elements and old.elements != new.elements:
            lines.append(f"flush set {at} {name}")
        return
    removed = sorted(old.elements - new.elements)
    if removed:
        lines.append(f"delete element {at} {name} {{ {', '.join(removed)} }}")


class Firewall:
    """The ruleset of one namespace of ours, kept equal to a value."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._last: Ruleset | None = None

    async def load(self, ruleset: Ruleset) -> bool:
        """True when something had to be changed. Raises CommandFailed; then nothing is changed."""
        tables = await self._tables()
        text = await pools.TOOLS(self._text, ruleset, tables)
        if text is None:
            self._last = ruleset
            return False
        await run(["nft", "-f", "-"], stdin=text.encode(), namespace=self.namespace)
        self._last = ruleset
        return True

    def _text(self, ruleset: Ruleset, tables: set[str]) -> str | None:
        """The transaction that is needed when the kernel has these tables; None for none."""
        last = self._last
        if last is not None and tables == {*(t.label for t in last), marker(last)}:
            return None if last == ruleset else change_text(last, ruleset)
        if tables == {*(table.label for table in ruleset), marker(ruleset)}:
            return None
        return full_text(ruleset)

    async def _tables(self) -> set[str]:
        text = (await run(["nft", "list", "tables"], namespace=self.namespace)).decode()
        return {line.removeprefix("table ").strip() for line in text.splitlines() if line.strip()}
