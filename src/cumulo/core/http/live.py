"""`GET /cumulo/events`: what happens in the cloud, as it happens (server-sent events).

A caller gets the events of the own project; an administrator may ask for those of all
(`all_projects=1`), and alone sees their details, which name hosts and other people's things.
"""

from collections.abc import AsyncIterator
from typing import Any

from cumulo.core.events.feed import Feed
from cumulo.core.events.model import EventRow, Position
from cumulo.core.faults import BadRequest
from cumulo.core.http.feeds import FeedEvent, resumed_at
from cumulo.core.http.operations import Call, Operation

RULES = {"cumulo:events": "@", "cumulo:events:detail": "rule:system_admin"}


class LiveEvents:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def operations(self) -> list[Operation]:
        return [Operation("GET", "/events", self.events, policy="cumulo:events", kind="feed")]

    def events(self, call: Call) -> AsyncIterator[FeedEvent]:
        """`service` and `resource_id` in the query: of these alone."""
        detailed = call.allowed("cumulo:events:detail")
        everything = call.query.get("all_projects") in ("1", "true", "True")
        if everything:
            call.allow(action="cumulo:events:detail")
        project = None if everything else call.project_id
        seen = resumed_at(call)
        try:
            after = None if seen is None else Position.parse(seen)
        except ValueError:
            raise BadRequest(f"Last-Event-ID {seen:.100} is not an event's id.") from None
        return self._told(
            project, after, call.query.get("service"), call.query.get("resource_id"), detailed
        )

    async def _told(
        self,
        project: str | None,
        after: Position | None,
        service: str | None,
        resource_id: str | None,
        detailed: bool,
    ) -> AsyncIterator[FeedEvent]:
        async for event in self._feed.follow(project, after):
            if service not in (None, event.service):
                continue
            if resource_id not in (None, event.resource_id):
                continue
            yield FeedEvent(body_of(event, detailed), str(event.position), event.type)


def body_of(event: EventRow, detailed: bool) -> dict[str, Any]:
    body = {
        "id": str(event.position),
        "at": event.at,
        "type": event.type,
        "service": event.service,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
        "project_id": event.project_id,
        "user_id": event.user_id,
        "request_id": event.request_id,
    }
    return {**body, "detail": event.detail} if detailed else body
