"""`/cumulo/nodes`: what an operator decides about control nodes.

`GET /cumulo/nodes`; `POST /cumulo/nodes/tokens`: lets another machine become one;
`POST /cumulo/nodes/{node}/remove`: one that has stopped is none any more.
"""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.nodes.nodes import Nodes

RULES = {f"cumulo:nodes:{verb}": "rule:system_admin" for verb in ("list", "token", "remove")}


class NodeTokenWish(msgspec.Struct, forbid_unknown_fields=True):
    minutes: Annotated[int, msgspec.Meta(ge=1, le=7 * 24 * 60)] = 60


class MadeNodeToken(msgspec.Struct):
    token: str
    url: str
    """Where the machine dials."""
    minutes: int


class NodeView(msgspec.Struct):
    name: str
    alive: bool
    draining: bool
    here: bool
    """It is the one that answers."""
    content: bool
    """It has the files."""
    url: str
    works_on: list[str]
    """Parts of the work that every node could do."""
    ahead: float
    """Seconds by which its clock is ahead of the database's."""


class NodeList(msgspec.Struct):
    nodes: list[NodeView]


class NodeOperations:
    """`link`: the address at which nodes dial in."""

    def __init__(self, nodes: Nodes, link: tuple[str, int]) -> None:
        self._nodes = nodes
        self._link = link

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", "/nodes", self.list, policy="cumulo:nodes:list", response=NodeList),
            Operation(
                "POST",
                "/nodes/tokens",
                self.token,
                policy="cumulo:nodes:token",
                body=NodeTokenWish,
                response=MadeNodeToken,
            ),
            Operation("POST", "/nodes/{node}/remove", self.remove, policy="cumulo:nodes:remove"),
        ]

    def list(self, call: Call, tx: Tx) -> Any:
        at_work = self._nodes.at_work(tx)
        return NodeList(
            [
                NodeView(
                    name=row.name,
                    alive=alive,
                    draining=row.draining,
                    here=row.id == self._nodes.me.id,
                    content=row.content,
                    url=row.url,
                    works_on=at_work.get(row.id, []),
                    ahead=row.ahead,
                )
                for row, alive in self._nodes.all(tx)
            ]
        )

    def token(self, call: Call, tx: Tx) -> Any:
        wish: NodeTokenWish = call.body
        token = self._nodes.new_token(tx, wish.minutes)
        address, port = self._link
        shown = f"[{address}]" if ":" in address else address
        return MadeNodeToken(token, f"https://{shown}:{port}", wish.minutes)

    def remove(self, call: Call, tx: Tx) -> Reply:
        self._nodes.remove(tx, call.path["node"])
        return Reply(202, None)
