"""Rows of stacks that begin."""

from collections.abc import Sequence

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.orchestration.model.stack import Action, StackRow
from cumulo.orchestration.service.checking import Wish
from cumulo.orchestration.service.files import digest_of


def new_stack(
    tx: Tx,
    stack_id: str,
    name: str,
    project_id: str,
    user_id: str,
    roles: list[str],
    wish: Wish,
    parent_id: str | None,
    parent: StackRow | None,
) -> StackRow:
    return StackRow(
        id=stack_id,
        name=name,
        project_id=project_id,
        user_id=user_id,
        roles=roles,
        parent_id=parent_id,
        root_id=stack_id if parent is None else parent.root_id,
        depth=0 if parent is None else parent.depth + 1,
        template=wish.template if isinstance(wish.template, dict) else {},
        files={},
        files_digest=digest_of(wish.files),
        environment=dict(wish.environment),
        parameters=dict(wish.parameters),
        previous=None,
        description="",
        tags=[],
        timeout_mins=None,
        disable_rollback=True,
        action="CREATE",
        status="IN_PROGRESS",
        reason="Stack CREATE started",
        traversal=0,
        left=0,
        phase=1,
        deadline=None,
        created_at=tx.now,
        updated_at=None,
        deleted_at=None,
        lent={},
        reached=False,
    )


def with_options(
    row: StackRow,
    timeout_mins: int | None,
    disable_rollback: bool,
    tags: Sequence[str],
    action: Action,
    lent: dict[str, str],
) -> StackRow:
    return msgspec.structs.replace(
        row,
        timeout_mins=timeout_mins,
        disable_rollback=disable_rollback,
        tags=list(tags),
        action=action,
        lent=lent,
    )
