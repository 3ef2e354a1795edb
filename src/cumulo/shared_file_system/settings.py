"""Shared file systems' own settings: the table `[shared_file_system]` of `cumulo.toml`."""

from typing import ClassVar

import msgspec


class SharedFileSystemSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "shared_file_system"

    pool_gb: int = 64
    """How large a host's file of shares may become. It is sparse, and made with the first share."""
    default_share_type: str = "default"
    """The name of the type that shares are of when nobody asks for one. One without share servers,
    say, which an administrator has made."""
