"""`cumulo why`: what happened to a resource, found by its id or by its name, in order.

`GET /cumulo/why/{id}`, and `GET /cumulo/why?of=` for either. A name is looked for in every table,
then in what the history says of things that are gone; several things of one name are listed. That
reads much: it is heavy, and for the operator alone.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from cumulo.core.db.find import ids_of_name
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import ids_of_past_name, story_of
from cumulo.core.events.model import EventRow
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation

MOST = 50
"""Things of one name that are listed."""

Names = Callable[[Tx, Collection[str]], Mapping[str, str]]
"""Ids of users → their names, of those that there are."""


class Stories:
    def __init__(self, names: Names) -> None:
        self._names = names

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", "/why/{id}", self.by_id, policy="cumulo:why"),
            Operation("GET", "/why", self.find, policy="cumulo:why", kind="heavy"),
        ]

    def by_id(self, call: Call, tx: Tx) -> dict[str, Any]:
        return self._told(tx, call.path["id"], _story(tx, call.path["id"]))

    def find(self, call: Call, tx: Tx) -> dict[str, Any]:
        asked = call.query.get("of")
        if not asked or len(asked) > 255:
            raise BadRequest("Expecting to find an id or a name in the query: of.")
        told = _story(tx, asked)
        if told:
            return self._told(tx, asked, told)
        found = dict.fromkeys(ids_of_name(tx, asked, MOST))
        found |= dict.fromkeys(ids_of_past_name(tx, asked, MOST))
        stories = {id: story for id in list(found)[:MOST] if (story := _story(tx, id))}
        if len(stories) == 1:
            id, story = stories.popitem()
            return self._told(tx, id, story)
        several = [_last(id, story) for id, story in stories.items()]
        return {"id": asked, "events": [], "several": several}

    def _told(self, tx: Tx, id: str, story: list[EventRow]) -> dict[str, Any]:
        users = self._names(tx, {event.user_id for event in story if event.user_id})
        return {"id": id, "events": story, "several": [], "users": users}


def _story(tx: Tx, id: str) -> list[EventRow]:
    # What only bills follow from is no part of the story.
    return [event for event in story_of(tx, id) if not event.type.endswith(".usage")]


def _last(id: str, story: list[EventRow]) -> dict[str, Any]:
    """One of several things with the same name."""
    project = next((event.project_id for event in story if event.project_id), None)
    last = story[-1]
    return {"id": id, "kind": last.resource_type, "project_id": project, "last": last.type,
            "at": last.at}  # fmt: skip
