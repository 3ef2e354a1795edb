"""Messages: why something that a project asked for failed, in words that users may read."""

from typing import Annotated

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, Row, table

KEPT_SECONDS = 30 * 24 * 3600.0
"""Manila's default."""


@table("share_messages", IndexOn("project_id", "created_at"))
class MessageRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    resource_type: str
    resource_id: Annotated[str, Index()]
    action_id: str
    detail_id: str
    reason: str
    """What its host said, for administrators."""
    created_at: Annotated[Moment, Index()]
    expires_at: Annotated[Moment, Index()]


class Why(msgspec.Struct, frozen=True):
    """Ids as clients know them (Manila's message fields)."""

    action: str
    detail: str


ACTIONS = {
    "001": "allocate host",
    "002": "create",
    "006": "revert to snapshot",
    "007": "delete",
    "008": "extend",
    "009": "shrink",
    "010": "update access rules",
}
_NO_STORAGE = "No storage could be allocated for this share request"
DETAILS = {
    "001": "An unknown error occurred.",
    "002": f"{_NO_STORAGE}: no host takes it now.",
    "008": f"{_NO_STORAGE}: no host keeps shares as its share type asks (extra specs).",
    "009": f"{_NO_STORAGE}: no host has as much room. A smaller size may succeed.",
    "015": "Its host could not extend it.",
    "018": "It holds more than the size that it was to become small to.",
    "019": "Its host could not shrink it.",
    "025": "Its host could not revert it to the snapshot.",
}
UNKNOWN = "001"
OF_VERBS = {
    "create": Why("002", UNKNOWN),
    "delete": Why("007", UNKNOWN),
    "extend": Why("008", "015"),
    "shrink": Why("009", "019"),
    "revert": Why("006", "025"),
    "access": Why("010", UNKNOWN),
}
LOSS = Why("009", "018")
NO_HOST, NO_CAPABILITY, NO_ROOM = Why("001", "002"), Why("001", "008"), Why("001", "009")
