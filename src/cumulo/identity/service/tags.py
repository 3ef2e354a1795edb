"""Tags of projects and domains: words that clients find them by."""

from typing import Annotated

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.options import refuse_immutable

MOST = 80

Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[^,/]*$")]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=MOST)]


def unique_tags(tags: list[str]) -> list[str]:
    """The tags; BadRequest where one is there twice."""
    if len(set(tags)) < len(tags):
        raise BadRequest("Invalid input for field 'tags': the tags are not unique.")
    return tags


def set_tags(
    tx: Tx, row: ProjectRow | DomainRow, tags: list[str], who: Principal
) -> ProjectRow | DomainRow:
    """Exactly these tags."""
    refuse_immutable(row.options, "update", "project", row.id)
    try:
        msgspec.convert(tags, Tags)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input for field 'tags': {error}") from None
    changed = tx.update(row, tags=unique_tags(tags))
    noun = "project" if isinstance(row, ProjectRow) else "domain"
    emit(tx, f"identity.{noun}.update", row.id, principal=who, what="tags")
    return changed


def add_tag(tx: Tx, row: ProjectRow | DomainRow, tag: str, who: Principal) -> None:
    """400 when it is there."""
    set_tags(tx, row, [*row.tags, tag], who)


def remove_tag(tx: Tx, row: ProjectRow | DomainRow, tag: str, who: Principal) -> None:
    check_tag(row, tag)
    set_tags(tx, row, [each for each in row.tags if each != tag], who)


def check_tag(row: ProjectRow | DomainRow, tag: str) -> None:
    """404 for a tag that is not there."""
    if tag not in row.tags:
        raise NotFound(f"Could not find project tag: {tag}.")


def matches_tags(
    tags: list[str], every: list[str], any_of: list[str], not_every: list[str], not_any: list[str]
) -> bool:
    """The four filters of lists: has all of, has any of, has not all of, has none of."""
    has = set(tags)
    return (
        has.issuperset(every)
        and (not any_of or not has.isdisjoint(any_of))
        and (not not_every or not has.issuperset(not_every))
        and has.isdisjoint(not_any)
    )
