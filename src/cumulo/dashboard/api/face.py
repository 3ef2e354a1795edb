"""The dashboard's faces: its own mount, and `/` for browsers."""

import time
from collections.abc import AsyncIterator, Callable

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.feed import Feed
from cumulo.core.events.history import moment_at
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

REPLAYED_SECONDS = 300.0
LOOK_SECONDS = 5.0
"""With so much time between two looks at least, a stream sees that its session has ended."""


def dashboard_faces(desk: Desk, operator: Callable[[Tx], Principal], feed: Feed) -> list[Face]:
    async def events(call: Call) -> AsyncIterator[FeedEvent]:
        """What changes in the project, without details: the page asks for those as the user."""
        after = await _resumed(desk, call)
        who, scope = call.principal, _scope(call.principal)
        project = None if who.is_admin else who.project_id
        looked = time.monotonic()
        async for event in feed.follow(project, after):
            if time.monotonic() >= looked + LOOK_SECONDS:
                # Nobody uses the page by this. The stream ends with the right to what it tells;
                # the browser opens another, if there is still a session.
                signed = await desk.signed_in(call, counts=False)
                if signed is None or _scope(signed.principal) != scope:
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
        headers=HEADERS,
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
        headers=HEADERS,
        rules=Rules({}),
        claims=_is_browser,
        operations=[Operation("GET", "/", _to_dashboard, public=True, kind="fixed")],
    )
    return [own, root]


async def _resumed(desk: Desk, call: Call) -> Position | None:
    """After which event it goes on; None for from now on: a page that was away for longer is made
    anew as a whole."""
    try:
        after = Position.parse(resumed_at(call) or "")
    except ValueError:
        return None
    at, now = await desk.database.read(lambda tx: (moment_at(tx, after), tx.now))
    return after if at is not None and later(at, REPLAYED_SECONDS) > now else None


def _scope(who: Principal) -> tuple[object, ...]:
    """What decides of which events one hears."""
    return who.is_admin, who.project_id


def _is_browser(header: Header, query: str, path: str) -> bool:
    return path == "/" and "text/html" in (header("Accept") or "")


def _to_dashboard(call: Call) -> object:
    return redirect(f"{MOUNT}/")
