"""Credentials: secrets of users other than their passwords (EC2 keys, TOTP seeds, certificates)."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, Key, References, Row, table

EC2 = "ec2"


@table("identity_credentials")
class CredentialRow(Row, frozen=True):
    id: Annotated[str, Key()]
    """Of an EC2 credential: the SHA-256 of its access key, by which it is found."""
    user_id: Annotated[str, Index(), References("identity_users.id", on_delete="CASCADE")]
    project_id: Annotated[str | None, Index()]
    type: Annotated[str, Index()]
    encrypted_blob: str
    """A Fernet token of the credential keys."""
    extra: dict[str, Any]
