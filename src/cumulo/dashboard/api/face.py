"""The dashboard's faces: its own mount, and `/` for browsers."""

import time
from collections.abc import AsyncIterator, Callable

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.feed import Feed
from cumulo.core.events.model import Position
from cumulo.core.faults import Unauthorized
from cumulo.core.http.feeds import FeedEvent, resumed_at
from cumulo.core.http.operations import Call, Face, Header, Operation
from cumulo.dashboard.api.assets import Assets
from cumulo.dashboard.api.desk import MOUNT, Desk
from cumulo.dashboard.api.details import Details
from cumulo.dashboard.api.doing import Forms
from cumulo.dashboard.api.door import Door
from cumulo.dashboard.api.faults import envelope
from cumulo.dashboard.api.home import Home
from cumulo.dashboard.api.html import HEADERS, redirect
from cumulo.dashboard.api.lists import Lists

LOOK_SECONDS = 20.0
"""Whether the session still is good is looked at no more often than this."""


def dashboard_faces(desk: Desk, operator: Callable[[Tx], Principal], feed: Feed) -> list[Face]:
    async def events(call: Call) -> AsyncIterator[FeedEvent]:
        """What changes in the project, without details: the page asks for those as the user."""
        signed = await desk.signed_in(call)
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
        good_until = time.monotonic() + LOOK_SECONDS
        async for event in feed.follow(project, after):
            if time.monotonic() > good_until:
                if await desk.signed_in(call) is None:
                    return
                good_until = time.monotonic() + LOOK_SECONDS
            told = {
                "type": event.type,
                "resource_type": event.resource_type,
                "resource_id": event.resource_id,
            }
            yield FeedEvent(told, str(event.position))

    parts = (Assets(desk.own.theme), Door(desk, operator), Home(desk), Lists(desk))
    own = Face(
        name="dashboard",
        mount=MOUNT,
        faults=envelope,
        fault_headers=HEADERS,
        rules=Rules({}),
        operations=[
            Operation("GET", "/events", events, public=True, kind="feed"),
            *(each for part in parts for each in part.operations()),
            *Forms(desk).operations(),
            *Details(desk).operations(),
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
