"""The dashboard's faces: its own mount, and `/` for browsers."""

import time
from collections.abc import AsyncIterator, Callable

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.feed import Feed
from cumulo.core.events.model import Position
from cumulo.core.http.feeds import FeedEvent, resumed_at
from cumulo.core.http.operations import Authentication, Call, Face, Header, Operation
from cumulo.dashboard.api.assets import Assets
from cumulo.dashboard.api.desk import MOUNT, SESSION, Desk
from cumulo.dashboard.api.details import Details
from cumulo.dashboard.api.doing import Forms
from cumulo.dashboard.api.door import Door
from cumulo.dashboard.api.faults import envelope
from cumulo.dashboard.api.forms import cookies_of
from cumulo.dashboard.api.home import Home
from cumulo.dashboard.api.html import HEADERS, redirect
from cumulo.dashboard.api.lists import Lists

LOOK_SECONDS = 5.0
"""With so much time between two looks at least, a stream sees that its session has ended."""


def dashboard_faces(desk: Desk, operator: Callable[[Tx], Principal], feed: Feed) -> list[Face]:
    async def events(call: Call) -> AsyncIterator[FeedEvent]:
        """What changes in the project, without details: the page asks for those as the user."""
        after = None
        last = resumed_at(call)
        if last:
            try:
                after = Position.parse(last)
            except ValueError:
                after = None
        project = None if call.principal.is_admin else call.principal.project_id
        looked = time.monotonic()
        async for event in feed.follow(project, after):
            if time.monotonic() >= looked + LOOK_SECONDS:
                if await desk.signed_in(call) is None:
                    return
                looked = time.monotonic()
            told = {
                "type": event.type,
                "resource_type": event.resource_type,
                "resource_id": event.resource_id,
            }
            yield FeedEvent(told, str(event.position))

    def verify(tx: Tx, call: Call) -> Principal | None:
        """The session's user: whom a stream counts for."""
        signed = desk.sessions.find(tx, cookies_of(call).get(SESSION, ""))
        return None if signed is None else signed.principal

    parts = (Assets(desk.own.theme), Door(desk, operator), Home(desk), Lists(desk))
    own = Face(
        name="dashboard",
        speaks="octets",
        mount=MOUNT,
        faults=envelope,
        fault_headers=HEADERS,
        rules=Rules({}),
        authentication=Authentication(verify, token_headers=()),
        operations=[
            Operation("GET", "/events", events, kind="feed"),
            *(each for part in parts for each in part.operations()),
            *Forms(desk).operations(),
            *Details(desk).operations(),
        ],
    )
    root = Face(
        name="dashboard",
        speaks="octets",
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
