"""One thing: its lines and lists, texts, curves, story, and its console."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Operation, Reply
from cumulo.core.panels import Action, Column, Item, Panel, Part, Plot, at, named
from cumulo.core.resource_types import Request
from cumulo.dashboard.api.desk import PAGE as AT_DESK
from cumulo.dashboard.api.desk import Desk, Visit, limit_of
from cumulo.dashboard.service.drawing import Curve, Node, Plan, curve, in_depth

WHY = "/cumulo/why/"
MOST_ROWS = 1000
MOST_DRAWN = 200
TEXT_LETTERS = 200_000
KEPT = ("of", "in", "after")
"""Of the address: where one is inside a list."""


@dataclass
class PartShown:
    """A list within a detail, read."""

    part: Part
    rows: list[tuple[Item, list[tuple[Column, Any]], list[Action]]] = field(default_factory=list)
    create: list[Action] = field(default_factory=list)
    problem: str = ""
    place: str = ""
    after: str = ""
    """Where this page of it begins."""
    cut: int = 0
    """How many there are, where not all of them are shown."""
    more: str = ""
    """The marker of the next page."""
    plan: Plan | None = None


class Details:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        page = self._desk.page
        one = "/{panel}/{id}"
        return [
            Operation("GET", one, page(self.detail), **AT_DESK),
            Operation("GET", f"{one}/console", page(self.console), **AT_DESK),
            Operation("GET", f"{one}/serial", page(self.serial), **AT_DESK),
            Operation("GET", f"{one}/tab/{{tab}}", page(self.tab), **AT_DESK),
        ]

    async def detail(self, visit: Visit) -> Reply:
        panel, id = visit.panel(), visit.call.path["id"]
        item = await visit.item(panel, id)
        actions = [each for each in panel.actions if visit.can(each, item)]
        return visit.page(
            "detail_lines.html" if visit.query.get("part") else "detail.html",
            panel.label(item),
            panel=panel,
            item=item,
            lines=(await visit.values(panel.lines, [item]))[0],
            id=id,
            state=item.get("status") or item.get("stack_status"),
            main=[each for each in actions if each.main],
            others=[each for each in actions if not each.main],
            console=item.get("status") == "ACTIVE" and _may_look(visit, panel, id),
            parts=await self._parts(visit, panel, item),
            tabs=[each for each in panel.tabs if visit.makes_sense(each.allowed, item)],
            plots=[each for each in panel.plots if visit.makes_sense(each.allowed, item)],
            id_in=lambda part, row: at(row, part.id) or row.get("subdir") or "",
            query_in=urlencode({k: visit.query[k] for k in KEPT if k in visit.query}),
            story=visit.may(Request("GET", f"{WHY}x")),
            live=" ".join([panel.events, *(self._events(part) for part in panel.parts)]).split(),
        )

    def _events(self, part: Part) -> str:
        other = self._desk.panels.get(part.panel)
        return "" if other is None else other.events

    async def _parts(self, visit: Visit, panel: Panel, item: Item) -> list[PartShown]:
        wanted = [part for part in panel.parts if visit.makes_sense(part.allowed, item)]
        return list(await asyncio.gather(*(part_of(visit, part, item) for part in wanted)))

    async def tab(self, visit: Visit) -> Reply:
        """A text, the curves or the story of one thing."""
        panel, name = visit.panel(), visit.call.path["tab"]
        id = visit.call.path["id"]
        if name == "story":
            return await self._story(visit, id)
        item = await visit.item(panel, id)
        if name == "metrics":
            drawn = await asyncio.gather(*(_drawn(visit, each, item) for each in panel.plots))
            return visit.page("plots.html", panel.label(item), plots=drawn)
        found = next((each for each in panel.tabs if each.name == name), None)
        if found is None or not visit.makes_sense(found.allowed, item):
            raise NotFound("There is no such page.")
        try:
            text = found.text(await visit.ask(found.request(item)))
        except Exception as error:
            text = visit.problem(error)
        return visit.page("text.html", found.title, text=text[-TEXT_LETTERS:])

    async def _story(self, visit: Visit, id: str) -> Reply:
        """What happened to it, for who may read it all: it may name others."""
        body = await visit.ask(Request("GET", f"{WHY}{quote(id, safe='')}"))
        users = body.get("users") or {}
        return visit.page(
            "story.html", "What happened, and why", events=body["events"], users=users
        )

    async def console(self, visit: Visit) -> Reply:
        return await self._line(visit, visit.panel().console, "console.html")

    async def serial(self, visit: Visit) -> Reply:
        return await self._line(visit, visit.panel().serial, "serial.html")

    async def _line(
        self, visit: Visit, opens: Callable[[str], Request] | None, template: str
    ) -> Reply:
        panel, id = visit.panel(), visit.call.path["id"]
        if opens is None:
            raise NotFound("There is no such page.")
        item = await visit.item(panel, id)
        body = await visit.ask(opens(quote(id, safe="")))
        url = str(body["remote_console"]["url"])
        socket, token = _socket_of(url)
        title = panel.label(item)
        return visit.page(template, title, socket=socket, token=token, panel=panel, id=id)


def _may_look(visit: Visit, panel: Panel, id: str) -> bool:
    return panel.console is not None and visit.may(panel.console(quote(id, safe="")))


async def part_of(visit: Visit, part: Part, item: Item) -> PartShown:
    """A part that fails shows why, and takes nothing else with it."""
    mine = visit.query.get("of") == part.name
    shown = PartShown(part)
    if mine:
        shown.place, shown.after = visit.query.get("in", ""), visit.query.get("after", "")
    try:
        await _read(visit, part, item, shown)
    except Exception as error:
        shown.problem = visit.problem(error)
    return shown


async def _read(visit: Visit, part: Part, item: Item, shown: PartShown) -> None:
    parent = {"of": item, "place": shown.place}
    shown.create = [each for each in part.create if visit.can(each, parent)]
    request = _of_page(part.items(item, shown.place), shown.after)
    rows = _rows(part, await visit.ask(request), item)
    limit = limit_of(request)
    if limit and len(rows) >= limit:
        shown.more = str(at(rows[-1], part.id) or rows[-1].get("subdir") or "")
    if not limit and len(rows) > MOST_ROWS:
        shown.cut = len(rows)
    rows = rows[: limit or MOST_ROWS]
    for row, values in zip(rows, await visit.values(part.columns, rows), strict=True):
        whole = {**row, "of": item}
        actions = [each for each in part.actions if visit.can(each, whole)]
        shown.rows.append((row, values, actions))
    if part.edges is not None and 1 < len(rows) <= MOST_DRAWN:
        nodes = [_node(part, row) for row in rows]
        shown.plan = in_depth(Plan(nodes, list(part.edges(rows))))


def _of_page(request: Request, after: str) -> Request:
    return replace(request, query={**request.query, "marker": after}) if after else request


def _node(part: Part, row: Item) -> Node:
    id = str(at(row, part.id))
    return Node(part.panel, id, named(row) or id, str(row.get(part.status) or ""))


def _rows(part: Part, body: Any, item: Item) -> Sequence[Item]:
    if part.rows is not None:
        return part.rows(body, item)
    return (body[part.key] if part.key else body) or []


async def row_of(visit: Visit, part: Part, item: Item, id: str) -> Item:
    """A row of a part by its id: as it is listed, or else by its id alone: the service looks."""
    parent = {"of": item, "place": ""}
    request = part.items(item, visit.query.get("in", ""))
    body = await visit.maybe(_of_page(request, visit.query.get("after", "")))
    if body is not None:
        for row in _rows(part, body, item):
            if str(at(row, part.id)) == id:
                return {**row, **parent}
    return {part.id: id, **parent}


async def _drawn(visit: Visit, plot: Plot, item: Item) -> tuple[Plot, Curve | None]:
    try:
        body: Any = await visit.maybe(plot.request(item))
        points = [] if body is None else plot.points(body)
        return plot, curve(points) if len(points) > 1 else None
    except Exception as error:
        visit.problem(error)
        return plot, None


def _socket_of(url: str) -> tuple[str, str]:
    """Where the socket of a console is (what the page's own `path` says, or the URL itself), and
    its token apart: it is said to the socket in no address."""
    parts = urlsplit(url)
    path = parse_qs(parts.query).get("path")
    where = urlsplit(f"/{path[0]}") if path else parts
    return where.path, parse_qs(where.query).get("token", [""])[0]
