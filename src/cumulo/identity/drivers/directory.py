"""What a driver of directories is: the model says it, for the service too."""

from cumulo.identity.model.directory import (
    Capabilities,
    Directory,
    DirectoryUnreachable,
    Look,
    Person,
    Snapshot,
    Team,
)

__all__ = [
    "Capabilities",
    "Directory",
    "DirectoryUnreachable",
    "Look",
    "Person",
    "Snapshot",
    "Team",
]
