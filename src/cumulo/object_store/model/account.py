"""Accounts: all that one project has in the object store."""

from typing import Annotated

from cumulo.core.db.rows import Key, Row, table

PREFIX = "AUTH_"


@table("object_accounts")
class AccountRow(Row, frozen=True):
    """Made by the first write to it. The counts change in the transactions of what they count."""

    name: Annotated[str, Key()]
    """`AUTH_` and the project's id."""
    timestamp: str
    """When it was made: model.timestamps."""
    containers: int
    objects: int
    bytes: int
    metadata: dict[str, str]
    """Lower-case names of `X-Account-Meta-…` without that prefix → values."""


def project_of(account: str) -> str | None:
    """The project whose account it is; None for a name that is nobody's."""
    return account.removeprefix(PREFIX) if account.startswith(PREFIX) else None


def account_of(project_id: str) -> str:
    return PREFIX + project_id
