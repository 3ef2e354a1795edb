"""The dashboard's faces: its own mount, and `/` for browsers."""

from collections.abc import AsyncIterator

from cumulo.core.auth.policy import Rules
from cumulo.core.events.feed import Feed
from cumulo.core.events.model import Position
from cumulo.core.faults import Unauthorized
from cumulo.core.http.feeds import FeedEvent, resumed_at
from cumulo.core.http.operations import Call, Face, Header, Operation
from cumulo.dashboard.api import assets
from cumulo.dashboard.api.faults import envelope
from cumulo.dashboard.api.html import HEADERS, redirect
from cumulo.dashboard.api.pages import MOUNT, Pages


def dashboard_faces(pages: Pages, feed: Feed) -> list[Face]:
    async def events(call: Call) -> AsyncIterator[FeedEvent]:
        """What changes in the project, without details: the page asks for those as the user."""
        signed = await pages.signed_in(call)
        if signed is None:
            raise Unauthorized("Sign in first.")
        after = None
        last = resumed_at(call)
        if last:
            try:
                after = Position.parse(last)
            except ValueError:
                after = None
        project = None if signed.principal.is_admin else signed.principal.project_id
        async for event in feed.follow(project, after):
            told = {
                "type": event.type,
                "resource_type": event.resource_type,
                "resource_id": event.resource_id,
            }
            yield FeedEvent(told, str(event.position))

    own = Face(
        name="dashboard",
        mount=MOUNT,
        faults=envelope,
        fault_headers=HEADERS,
        rules=Rules({}),
        operations=[
            *assets.operations(),
            Operation("GET", "/events", events, public=True, kind="feed"),
            *pages.operations(),
        ],
    )
    root = Face(
        name="dashboard",
        mount="",
        faults=envelope,
        fault_headers=HEADERS,
        rules=Rules({}),
        claims=_is_browser,
        operations=[Operation("GET", "/", _to_dashboard, public=True, kind="fixed")],
    )
    return [own, root]


def _is_browser(header: Header, query: str, path: str) -> bool:
    return path == "/" and "text/html" in (header("Accept") or "")


def _to_dashboard(call: Call) -> object:
    return redirect(f"{MOUNT}/")
