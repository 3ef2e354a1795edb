"""Block storage's own settings: the table `[block_storage]` of `cumulo.toml`."""

from typing import ClassVar

import msgspec


class BlockStorageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "block_storage"

    fake_volumes: bool = True
    """False: the volumes of simulated hosts are files, as those of real ones."""
