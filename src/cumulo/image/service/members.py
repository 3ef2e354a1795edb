"""Members: the projects that a shared image is offered to, and their answers."""

from collections.abc import Sequence
from typing import cast

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound, TooLarge
from cumulo.image.model.image import ImageRow, MemberRow, MemberStatus
from cumulo.image.queries import image as queries

MOST_MEMBERS = 128
STATUSES = ("pending", "accepted", "rejected")


class Members:
    def seen(self, tx: Tx, image: ImageRow, who: Principal) -> Sequence[MemberRow]:
        """All of them for the owner, only itself for a member."""
        rows = tx.all(queries.MEMBERS, image_id=image.id)
        if who.is_admin or image.owner == who.project_id:
            return rows
        return [row for row in rows if row.member_id == who.project_id]

    def get(self, tx: Tx, image: ImageRow, member_id: str, who: Principal) -> MemberRow:
        mine = who.is_admin or who.project_id in (image.owner, member_id)
        row = tx.get(MemberRow, image.id, member_id) if mine else None
        if row is None:
            raise NotFound(f"{member_id} not found in the member list of the image {image.id}.")
        return row

    def create(self, tx: Tx, image: ImageRow, member_id: str, who: Principal) -> MemberRow:
        if image.visibility != "shared":
            raise Forbidden("Only shared images have members.")
        if not 0 < len(member_id) <= 255:
            raise BadRequest("Member can't be empty or longer than 255 characters")
        if tx.get(MemberRow, image.id, member_id) is not None:
            raise Conflict(
                f"The target member {member_id} is already associated with image {image.id}."
            )
        if int(tx.value(queries.MEMBER_COUNT, image_id=image.id)) >= MOST_MEMBERS:
            raise TooLarge(
                "The limit has been exceeded on the number of allowed image members for this "
                f"image. Maximum: {MOST_MEMBERS}"
            )
        row = MemberRow(image.id, member_id, "pending", tx.now, tx.now)
        tx.insert(row)
        emit(tx, "image.member.create", image.id, principal=who, member=member_id)
        return row

    def update(self, tx: Tx, row: MemberRow, status: str, who: Principal) -> MemberRow:
        if status not in STATUSES:
            raise BadRequest(f"Status must be one of {', '.join(STATUSES)}: {status!r:.100}")
        changed = tx.update(row, status=cast(MemberStatus, status), updated_at=tx.now)
        emit(tx, "image.member.update", row.image_id, principal=who, status=status)
        return changed

    def delete(self, tx: Tx, row: MemberRow, who: Principal) -> None:
        tx.delete(row)
        emit(tx, "image.member.delete", row.image_id, principal=who, member=row.member_id)
