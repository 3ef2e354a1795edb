"""Messages on the wire (2.37)."""

from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Unset
from cumulo.shared_file_system.api.bodies import Links
from cumulo.shared_file_system.api.lists import filters, links, mine, moment, offset_of, page_links
from cumulo.shared_file_system.model.message import ACTIONS, DETAILS, UNKNOWN, MessageRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_FILTERS = ("id", "resource_id", "resource_type", "action_id", "detail_id")
_LEVEL = "ERROR"
"""There is no other: what succeeds says nothing."""


class MessageBody(Body):
    id: str
    project_id: str
    action_id: str
    detail_id: str
    user_message: str
    message_level: str
    resource_type: str
    resource_id: str
    request_id: str | None
    created_at: str
    expires_at: str
    links: Links


class MessageAnswer(Body):
    message: MessageBody


class MessageList(Body):
    messages: list[MessageBody]
    messages_links: Links | Unset = UNSET


class MessagesApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._messages = service.messages

    def operations(self) -> list[Operation]:
        all_, one, rule = "/messages", "/messages/{message_id}", "message:"
        late: dict[str, Any] = {"early": False, "since": "2.37"}
        return [
            # 2.52: within two moments
            Operation("GET", all_, self.older_index, policy=f"{rule}get_all", response=MessageList,
                      since="2.37", until="2.51"),
            Operation("GET", all_, self.index, policy=f"{rule}get_all", response=MessageList,
                      since="2.52"),
            Operation("GET", one, self.show, policy=f"{rule}get", response=MessageAnswer, **late),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=204, **late),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> MessageRow:
        row = self._messages.get(tx, call.path["message_id"], call.principal)
        mine(call, row.project_id)
        return row

    def older_index(self, call: Call, tx: Tx) -> Any:
        return self._index(call, tx, {})

    def index(self, call: Call, tx: Tx) -> Any:
        names = ("created_since", "created_before")
        return self._index(
            call, tx, {name: moment(call, name) for name in names if call.query.get(name)}
        )

    def _index(self, call: Call, tx: Tx, where: dict[str, Any]) -> Any:
        if not call.principal.is_admin:
            where["project_id"] = call.project_id
        where |= filters(call, _FILTERS)
        level = call.query.get("message_level")
        if level not in (None, _LEVEL):
            return MessageList(messages=[])
        who = call.principal
        page = page_of(call, tx, self._messages.listing, where, offset=offset_of(call),
                       find_marker=lambda id: self._messages.get(tx, id, who))  # fmt: skip
        found = [_body(call, row) for row in page.rows]
        return MessageList(messages=found, messages_links=page_links(call, page))

    def show(self, call: Call, tx: Tx) -> Any:
        return MessageAnswer(message=_body(call, self._found(call, tx)))

    def delete(self, call: Call, tx: Tx) -> None:
        self._messages.delete(tx, self._found(call, tx))


def _body(call: Call, row: MessageRow) -> MessageBody:
    """An administrator also reads what the host said."""
    detail = DETAILS.get(row.detail_id, DETAILS[UNKNOWN])
    words = f"{ACTIONS.get(row.action_id, 'do')}: {detail}"
    return MessageBody(
        id=row.id,
        project_id=row.project_id,
        action_id=row.action_id,
        detail_id=row.detail_id,
        user_message=f"{words} ({row.reason})" if call.principal.is_admin else words,
        message_level=_LEVEL,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        request_id=None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        links=links(call, "messages", row.id),
    )
