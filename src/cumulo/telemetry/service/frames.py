"""Data frames: what each thing was used and cost in each hour of a time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.service.prices import quantity
from cumulo.telemetry.service.usage import CENTS, EXACT, HOUR, Piece, Usage

MOST_FRAMES = 1000
"""Of one answer."""
MOST_HOURS = 2_000_000
"""Hours of single things that are counted."""
MOST_PIECES = 200_000


class FrameRow(NamedTuple):
    begin: Moment
    end: Moment
    row: IntervalRow
    quantity: Decimal
    """In its unit, times the share of the hour."""
    price: Decimal


class Found(NamedTuple):
    frames: list[FrameRow]
    total: int


def frames(
    usage: Usage,
    tx: Tx,
    since: Moment,
    until: Moment,
    project: str | None,
    *,
    kind: str | None = None,
    filters: Mapping[str, str] | None = None,
    offset: int = 0,
    limit: int = MOST_FRAMES,
) -> Found:
    """In order of time. Raises BadRequest where there are too many to be counted."""
    pieces: list[tuple[int, int, Piece]] = []
    total = 0
    with localcontext(EXACT):
        for piece in usage.pieces(tx, since, until, project):
            if kind not in (None, piece.row.resource_type) or not fits(piece.row, filters or {}):
                continue
            first, last = _hour(piece.began), _hour(piece.ended, end=True)
            pieces.append((first, last, piece))
            total += last - first
            if total > MOST_HOURS or len(pieces) > MOST_PIECES:
                raise BadRequest("Invalid input: too much was used; ask for a shorter time")
        pieces.sort(key=lambda each: each[0])
        return Found(list(_cut(pieces, offset, limit)), total)


def _cut(pieces: list[tuple[int, int, Piece]], offset: int, limit: int) -> list[FrameRow]:
    """Those of the page: hours are walked through, things that are there in each are skipped
    together."""
    made: list[FrameRow] = []
    active: list[tuple[int, int, Piece]] = []
    place, hour, skipped = 0, pieces[0][0] if pieces else 0, 0
    while len(made) < limit and (active or place < len(pieces)):
        if not active:
            hour = max(hour, pieces[place][0])
        while place < len(pieces) and pieces[place][0] <= hour:
            active.append(pieces[place])
            place += 1
        active = [each for each in active if each[1] > hour]
        if skipped + len(active) <= offset:
            skipped += len(active)
        else:
            wanted = active[max(0, offset - skipped) :]
            skipped = max(skipped, offset)
            made += [_frame(each[2], hour) for each in wanted[: limit - len(made)]]
        hour += 1
    return made


_EPOCH = datetime(1970, 1, 1)


def _hour(moment: Moment, *, end: bool = False) -> int:
    """Since the epoch: the one that it is in, or that it ends before."""
    microseconds = (datetime.fromisoformat(moment) - _EPOCH) // timedelta(microseconds=1)
    return -(-microseconds // HOUR) if end else microseconds // HOUR


def _frame(piece: Piece, hour: int) -> FrameRow:
    begin = (_EPOCH + timedelta(hours=hour)).isoformat(timespec="microseconds")
    end = (_EPOCH + timedelta(hours=hour + 1)).isoformat(timespec="microseconds")
    inside = datetime.fromisoformat(min(end, piece.ended)) - datetime.fromisoformat(
        max(begin, piece.began)
    )
    share = Decimal(inside // timedelta(microseconds=1)) / HOUR
    row = piece.row
    return FrameRow(
        begin,
        end,
        row,
        (quantity(row.resource_type, row.facts) * share).quantize(CENTS, ROUND_HALF_UP),
        (piece.hour * share).quantize(CENTS, ROUND_HALF_UP),
    )


def attribute(row: IntervalRow, name: str) -> str | None:
    """What one may group and filter by: whose it is, what it is, and its facts, as text."""
    own = {
        "type": row.resource_type,
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "user_id": row.user_id,
        "id": row.resource_id,
        "resource_id": row.resource_id,
        "name": row.name,
        "resource_name": row.name,
    }
    if name in own:
        return own[name]
    value = row.facts.get(name)
    return None if value is None else str(value)


def fits(row: IntervalRow, filters: Mapping[str, str]) -> bool:
    return all(attribute(row, name) == value for name, value in filters.items())
