"""From a blueprint to rows: what has to be done, and who waits for whom.

What is as it shall be already is not touched: a definition with the same digest whose requirements
are untouched, too, needs no look.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.orchestration.language.graph import in_order
from cumulo.orchestration.model.resource import EdgeRow, ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.blueprint import Blueprint

Rows = Mapping[str, ResourceRow]


class Kinds(Protocol):
    """What is asked of resources' types (`types.Types`)."""

    def renewed(self, kind: str) -> bool: ...
    def nested(self, kind: str) -> bool: ...
    def same(self, one: str, other: str) -> bool: ...


def arrange(
    tx: Tx,
    stack: StackRow,
    blueprint: Blueprint,
    kinds: Kinds,
    *,
    saved: Mapping[str, str],
    converge: bool,
) -> int:
    """Write what the stack's traversal has to make and to change; how many resources that is.
    `saved`: what those of these names are led back to; `converge`: each is looked at."""
    tx.run(resources.FORGET_EDGES, stack=stack.id)
    existing, extra = _existing(tx, stack, blueprint, kinds)
    new = {
        name
        for name, row in existing.items()
        if converge
        or name in saved
        or kinds.nested(row.kind)
        or (stack.action == "UPDATE" and kinds.renewed(row.kind))
    }
    dirty = _dirty(blueprint, existing, new)
    tx.run(resources.ADOPT_TRAVERSAL, stack=stack.id, t=stack.traversal)
    rows: dict[str, ResourceRow] = {}
    for name in in_order(blueprint.requires):
        if name in dirty:
            old = existing.get(name)
            # What is of another type cannot become it: another one is made in its stead.
            same = old is not None and kinds.same(old.kind, blueprint.kind_of(name))
            kept = old if same else None
            # What it stands on comes before it in this order.
            waits = len(_waited_for(blueprint, name, rows))
            row = _todo(tx, stack, blueprint, name, dirty[name], kept, old, waits)
            rows[name] = _besides(tx, row, restore=saved.get(name), converge=converge or None)
    for name, row in rows.items():
        for first in _waited_for(blueprint, name, rows):
            tx.insert(EdgeRow(rows[first].id, row.id), ignore_duplicate=True)
    before = 0
    for row in [*extra, *(r for name, r in existing.items() if name not in blueprint.definitions)]:
        heir = rows.get(row.name)
        if heir is not None and heir.stored.get("released") and row.created_at > heir.created_at:
            rows[row.name] = _remove_before(tx, stack, row, heir)
            before += 1
        else:
            _remove_later(tx, stack, row)
    for name in rows:
        old = existing.get(name)
        if old is not None and old.id != rows[name].id:
            _remove_later(tx, stack, old)
    return len(rows) + before


def _existing(
    tx: Tx, stack: StackRow, blueprint: Blueprint, kinds: Kinds
) -> tuple[dict[str, ResourceRow], list[ResourceRow]]:
    """The row of each name that is to go on; and what is left to be removed.

    As a rule the newest one goes on. But an update that has failed, or is overtaken, may have
    replaced a resource, or left it out, whose thing is there yet, with all that is in it: that one
    goes on where the stack is to be again what it was, and where the newer one never came to be.
    """
    newest: dict[str, ResourceRow] = {}
    olds: dict[str, list[ResourceRow]] = defaultdict(list)
    extra: list[ResourceRow] = []
    for row in sorted(tx.all(resources.OF_STACK, stack=stack.id), key=lambda r: r.created_at):
        if row.goal == "absent":
            (olds[row.name] if _can_go_on(row) else extra).append(row)
            continue
        if row.name in newest:
            extra.append(newest[row.name])
        newest[row.name] = row
    for name, rows in olds.items():
        chosen = _chosen(blueprint, name, newest.get(name), rows, kinds)
        if chosen is not None:
            if name in newest:
                extra.append(newest[name])
            newest[name] = chosen
        extra += [row for row in rows if row is not chosen]
    return newest, extra


def _can_go_on(row: ResourceRow) -> bool:
    """It is to be removed, and nothing has been done for that yet."""
    return row.made and row.physical_id is not None and row.action != "DELETE" and not lost(row)


def current(stack: StackRow, row: ResourceRow) -> bool:
    """The row belongs to what is being done to the stack now."""
    return stack.status == "IN_PROGRESS" and row.traversal == stack.traversal


def lost(row: ResourceRow) -> bool:
    """Somebody said that it is of no use any more."""
    return bool(row.stored.get("marked"))


def _chosen(
    blueprint: Blueprint,
    name: str,
    newest: ResourceRow | None,
    olds: Sequence[ResourceRow],
    kinds: Kinds,
) -> ResourceRow | None:
    """Which of the rows that were to be removed goes on in the newest one's stead, if any."""
    if name not in blueprint.definitions:
        return None
    kind, digest = blueprint.kind_of(name), blueprint.digest(name)
    alike = newest is not None and kinds.same(newest.kind, kind)
    there = newest is not None and newest.physical_id is not None
    if newest is not None and alike and there and (newest.wanted or newest.digest) == digest:
        return None
    fitting = [row for row in olds if kinds.same(row.kind, kind)]
    same = [row for row in fitting if row.digest == digest]
    if same:
        return same[-1]
    unmade = newest is None or (not newest.made and alike)
    return fitting[-1] if fitting and unmade else None


def _dirty(blueprint: Blueprint, existing: Rows, new: Collection[str]) -> dict[str, str]:
    """Resources that have to be looked at, with their digests now."""
    found: dict[str, str] = {}
    for name in in_order(blueprint.requires):
        digest = blueprint.digest(name)
        row = existing.get(name)
        clean = (
            row is not None
            and name not in new
            and row.goal == "present"
            and row.digest == digest
            and not row.wanted
            and row.step == "done"
            and row.status in ("COMPLETE", "INIT")
            and row.made
            and "pre-update" not in blueprint.environment.hooks_of(name)
            and not any(each in found for each in blueprint.requires[name])
        )
        if not clean:
            found[name] = digest
    return found


def _waited_for(blueprint: Blueprint, name: str, rows: Rows) -> Sequence[str]:
    return sorted(each for each in blueprint.requires[name] if each in rows)


def _todo(
    tx: Tx,
    stack: StackRow,
    blueprint: Blueprint,
    name: str,
    digest: str,
    row: ResourceRow | None,
    before: ResourceRow | None,
    waits: int,
) -> ResourceRow:
    """The row of a resource that has to be looked at, made when there is none of its kind: then it
    is in the stead of the one `before`. `waits`: for how many others."""
    definition, kind = blueprint.definitions[name], blueprint.kind_of(name)
    changes = {
        "type": definition.type,
        "kind": kind,
        "goal": "present",
        "step": "todo",
        "traversal": stack.traversal,
        "phase": 1,
        "waits": waits,
        "due": tx.now,
        "tries": 0,
        "wanted": digest,
        "requires": sorted(blueprint.requires[name]),
        "deletion_policy": blueprint.deletion_policy(name),
        "hook": "",
    }
    if row is not None:
        return tx.update(row, **changes)
    made = ResourceRow(
        id=new_id(),
        stack_id=stack.id,
        name=name,
        action="CREATE",
        status="INIT",
        reason="",
        digest="",
        properties={},
        metadata={},
        physical_id=None,
        made=False,
        stored={},
        replaces=None if before is None else before.id,
        project_id=stack.project_id,
        created_at=tx.now,
        updated_at=None,
        **changes,  # type: ignore[arg-type]
    )
    tx.insert(made)
    return made


def _remove_later(tx: Tx, stack: StackRow, row: ResourceRow) -> None:
    tx.update(
        row,
        goal="absent",
        step="todo",
        traversal=stack.traversal,
        phase=2,
        waits=1,
        tries=0,
        hook="",
    )


def _besides(tx: Tx, row: ResourceRow, **wanted: Any) -> ResourceRow:
    """What is asked for by this traversal alone; what an earlier one has left off is forgotten."""
    rest = {name: value for name, value in row.stored.items() if name not in wanted}
    stored = rest | {name: value for name, value in wanted.items() if value is not None}
    return row if stored == row.stored else tx.update(row, stored=stored)


def _remove_before(tx: Tx, stack: StackRow, row: ResourceRow, heir: ResourceRow) -> ResourceRow:
    """It has what the one that it was made in the stead of shall have back: it goes first."""
    tx.update(
        row,
        goal="absent",
        step="todo",
        traversal=stack.traversal,
        phase=1,
        waits=0,
        due=tx.now,
        tries=0,
        hook="",
        wanted="",
    )
    tx.insert(EdgeRow(row.id, heir.id))
    return tx.update(heir, waits=heir.waits + 1)


def arrange_looks(tx: Tx, stack: StackRow, rows: Sequence[ResourceRow]) -> None:
    """What is there is looked at; it goes to rest after what stands on it, and goes on before."""
    tx.run(resources.FORGET_EDGES, stack=stack.id)
    waits: dict[str, int] = defaultdict(int)
    by_name = {row.name: row for row in rows}
    pairs = [(by_name[name], row) for row in rows for name in row.requires if name in by_name]
    if stack.action == "SUSPEND":
        pairs = [(row, first) for first, row in pairs]
    for first, row in pairs if stack.action != "CHECK" else ():
        if tx.insert(EdgeRow(first.id, row.id), ignore_duplicate=True):
            waits[row.id] += 1
    for row in rows:
        tx.update(
            row,
            step="todo",
            traversal=stack.traversal,
            phase=1,
            waits=waits[row.id],
            due=tx.now,
            tries=0,
            hook="",
        )


def arrange_all_absent(tx: Tx, stack: StackRow) -> None:
    """Everything of the stack goes."""
    tx.run(resources.FORGET_EDGES, stack=stack.id)
    for row in tx.all(resources.OF_STACK, stack=stack.id):
        _remove_later(tx, stack, row)


def arrange_removal(tx: Tx, stack: StackRow) -> int:
    """The second phase: what is no longer wanted goes, each after those that stand on it."""
    tx.run(resources.FORGET_EDGES, stack=stack.id)
    rows = tx.all(resources.TO_REMOVE, stack=stack.id)
    by_name: dict[str, list[ResourceRow]] = defaultdict(list)
    for row in rows:
        by_name[row.name].append(row)
    waits: dict[str, int] = defaultdict(int)
    for row in rows:
        for name in row.requires:
            for needed in by_name.get(name, ()):
                if needed.id != row.id:
                    tx.insert(EdgeRow(row.id, needed.id), ignore_duplicate=True)
                    waits[needed.id] += 1
    for row in rows:
        tx.update(
            row,
            step="todo",
            traversal=stack.traversal,
            phase=2,
            waits=waits[row.id],
            due=tx.now,
            tries=0,
        )
    return len(rows)
