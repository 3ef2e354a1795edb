"""What lives in a directory is not changed here."""

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Forbidden
from cumulo.identity.model.directory import DirectoryRow
from cumulo.identity.model.group import GroupRow
from cumulo.identity.model.user import UserRow

READ_ONLY = "LDAP does not support write operations"


def refuse_in_directory(tx: Tx, domain_id: str) -> None:
    """403 for a domain whose users and groups are made elsewhere."""
    row = tx.get(DirectoryRow, domain_id)
    if row is not None and row.wanted:
        raise Forbidden(READ_ONLY)


def refuse_foreign(row: UserRow | GroupRow) -> None:
    """403 for one that comes from a directory."""
    if row.origin is not None:
        raise Forbidden(READ_ONLY)


def refuse_membership(user: UserRow, group: GroupRow) -> None:
    """403 where a directory has a say in who is in the group."""
    if (user.origin is None) != (group.origin is None):
        raise Forbidden(
            "Group membership across backend boundaries is not allowed. Group in question is "
            f"{group.id}, user is {user.id}."
        )
    refuse_foreign(group)
