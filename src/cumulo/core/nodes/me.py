"""Which control node this is: `node.json` in its data directory, made at its first start."""

import socket
from pathlib import Path

import msgspec

from cumulo.core.ids import new_id

NAME = "node.json"


class Me(msgspec.Struct, frozen=True):
    id: str
    name: str

    def keep(self, data_dir: Path) -> None:
        temporary = data_dir / f"{NAME}.new"
        temporary.write_bytes(msgspec.json.encode(self))
        temporary.replace(data_dir / NAME)


def this_node(data_dir: Path) -> Me:
    try:
        return msgspec.json.decode((data_dir / NAME).read_bytes(), type=Me)
    except FileNotFoundError:
        made = Me(new_id(), socket.gethostname() or "localhost")
        made.keep(data_dir)
        return made
