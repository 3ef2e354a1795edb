"""Containers; S3 calls them buckets."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, Key, References, Row, Unique, table
from cumulo.object_store.model.account import project_of

POLICY = "replicated"
"""The storage policy's name: the only one there is."""


@table("object_containers", Unique("account", "name"))
class ContainerRow(Row, frozen=True):
    id: Annotated[str, Key()]
    account: Annotated[str, References("object_accounts.name")]
    name: bytes
    """UTF-8."""
    timestamp: str
    """When it was made."""
    put_timestamp: str
    """When it was last PUT or POSTed to: its Last-Modified."""
    objects: int
    bytes: int
    metadata: dict[str, str]
    """Lower-case names of `X-Container-Meta-…` without that prefix → values."""
    read_acl: str
    write_acl: str
    policy: str
    options: dict[str, Any]
    """Other things that are set on it, each under a name of its own: `versions` …"""

    @property
    def text(self) -> str:
        return self.name.decode()

    @property
    def project_id(self) -> str:
        """Who pays for it; empty: nobody does."""
        return project_of(self.account) or ""


@table("object_removals")
class RemovalRow(Row, frozen=True):
    """Bytes that a row has let go of. They are removed unless another row still has them."""

    id: Annotated[str, Key()]
    """A blob, or an assembly whose parts are removed."""
    kind: str
    """`blob` or `parts`."""
    attempts: int
    due: Annotated[str, Index()]
    """A moment: core.clock."""
    reason: str
