"""Members of shared images on the wire."""

from typing import Any

import msgspec

from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.api.envelope import allowed, seen, target_of
from cumulo.image.model.image import ImageRow, MemberRow
from cumulo.image.service.image import ImageService


class NewMember(msgspec.Struct):
    member: str


class MemberAnswer(msgspec.Struct):
    status: str


def member_body(row: MemberRow) -> dict[str, Any]:
    return {
        "member_id": row.member_id,
        "image_id": row.image_id,
        "status": row.status,
        "created_at": zulu(row.created_at),
        "updated_at": zulu(row.updated_at),
        "schema": "/v2/schemas/member",
    }


class MembersApi:
    def __init__(self, images: ImageService) -> None:
        self._service = images
        self._members = images.members

    def operations(self) -> list[Operation]:
        all_ = "/v2/images/{image_id}/members"
        one = f"{all_}/{{member_id}}"
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", all_, self.index, policy="get_members", **late),
            Operation("POST", all_, self.create, policy="add_member", body=NewMember, **late),
            Operation("GET", one, self.show, policy="get_member", **late),
            Operation("PUT", one, self.update, policy="modify_member", body=MemberAnswer, **late),
            Operation("DELETE", one, self.delete, policy="delete_member", status=204, **late),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        image = allowed(call, tx, self._service)
        rows = self._members.seen(tx, image, call.principal)
        return {"members": [member_body(row) for row in rows], "schema": "/v2/schemas/members"}

    def create(self, call: Call, tx: Tx) -> Any:
        image = allowed(call, tx, self._service)
        return member_body(self._members.create(tx, image, call.body.member, call.principal))

    def show(self, call: Call, tx: Tx) -> Any:
        return member_body(self._member(call, tx)[1])

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._member(call, tx)[1]
        return member_body(self._members.update(tx, row, call.body.status, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        self._members.delete(tx, self._member(call, tx)[1], call.principal)

    def _member(self, call: Call, tx: Tx) -> tuple[ImageRow, MemberRow]:
        image = seen(call, tx, self._service)
        row = self._members.get(tx, image, call.path["member_id"], call.principal)
        call.allow(target_of(call, tx, self._service, image, row.member_id))
        return image, row
