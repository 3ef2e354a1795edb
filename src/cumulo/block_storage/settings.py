"""Block storage's own settings: the table `[block_storage]` of `cumulo.toml`."""

from typing import ClassVar

import msgspec


class BlockStorageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "block_storage"

    backup_folder: str = ""
    """Where backups of volumes are kept: best a mounted file system of another machine. Empty: the
    folder `backups` of the data directory."""

    fake_volumes: bool = True
    """False: the volumes of simulated hosts are files, as those of real ones."""
