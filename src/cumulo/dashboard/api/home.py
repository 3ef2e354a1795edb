"""The overview, the pictures, and how to use the cloud by other ways."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.events.history import latest, latest_of_project
from cumulo.core.events.model import EventRow, Position
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Operation, Reply
from cumulo.core.panels import Drawing, Figure, Gauge, Item, Panel, Ref, named
from cumulo.core.resource_types import Request
from cumulo.dashboard.api.desk import PAGE as AT_DESK
from cumulo.dashboard.api.desk import Desk, Visit
from cumulo.dashboard.service import snippets
from cumulo.dashboard.service.drawing import Node, Plan, Ring, laid_out

LATELY = 12
EVENTS = 100
LAYER_MOST = 300
QUIET = ("usage", "sample", "metric", "metadef")
"""Kinds of events that tell a person nothing."""


class Home:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        page = self._desk.page
        return [
            Operation("GET", "/", page(self.overview), **AT_DESK),
            Operation("GET", "/home", page(self.overview), **AT_DESK),
            Operation("GET", "/map/{name}", page(self.drawing), **AT_DESK),
            Operation("GET", "/log", page(self.events), **AT_DESK),
            Operation("GET", "/access", page(self.access), **AT_DESK),
            Operation("GET", "/access/{file}", page(self.file), **AT_DESK),
            Operation("GET", "/account", page(self.account), **AT_DESK),
        ]

    async def overview(self, visit: Visit) -> Reply:
        brought = self._desk.brought
        gauges = sorted(brought.gauges, key=lambda gauge: gauge.order)
        rings = await asyncio.gather(*(_ring(visit, each) for each in gauges))
        now = await self._desk.database.read(lambda tx: tx.now)
        figures = await asyncio.gather(*(_figure(visit, each, now) for each in brought.figures))
        project = visit.signed.principal.project_id or ""
        events = await self._desk.database.read(
            lambda tx: latest_of_project(tx, project, LATELY * 4)
        )
        by_type = self._by_event()
        lately = [
            (event, _link(event, by_type.get(event.resource_type)))
            for event in events
            if event.resource_type not in QUIET and not event.type.endswith(QUIET)
        ]
        if visit.signed.principal.access_rules is not None:
            # It may ask for some things only: what the others did is not told it by another way.
            lately = []
        status = await visit.maybe(Request("GET", "/cumulo/status"))
        return visit.page(
            "overview_parts.html" if visit.query.get("part") else "overview.html",
            "Overview",
            rings=[ring for ring in rings if ring is not None],
            figures=[each for each in figures if each is not None],
            lately=lately[:LATELY],
            health=status,
            wrong=await self._wrong(visit) if status else (),
            quick=_quick(visit, self._desk.panels),
        )

    async def _wrong(self, visit: Visit) -> list[str]:
        health = await visit.maybe(Request("GET", "/healthz")) or {}
        return [*health.get("problems", ()), *self._desk.brought.problems]

    async def events(self, visit: Visit) -> Reply:
        """What happened in the whole cloud: for who may read every story."""
        if not visit.may(Request("GET", "/cumulo/why/x")):
            raise NotFound("There is no such page.")
        before = None
        with contextlib.suppress(ValueError):
            before = Position.parse(visit.query.get("before", ""))
        events = await self._desk.database.read(lambda tx: latest(tx, before, EVENTS))
        by_type = self._by_event()
        return visit.page(
            "events.html",
            "Events",
            here="log",
            events=[(event, _link(event, by_type.get(event.resource_type))) for event in events],
            before=str(events[-1].position) if len(events) == EVENTS else "",
        )

    def _by_event(self) -> Mapping[str, Panel]:
        found: dict[str, Panel] = {}
        for panel in (each for each in self._desk.panels.values() if each.told):
            # The first word is its own kind of thing; the others only change what is shown.
            for word in panel.events.split()[:1]:
                found.setdefault(word, panel)
        return found

    async def drawing(self, visit: Visit) -> Reply:
        drawings = self._desk.brought.drawings
        drawing = next((d for d in drawings if d.name == visit.call.path["name"]), None)
        if drawing is None:
            raise NotFound("There is no such page.")
        plan, problem = Plan(), ""
        try:
            plan = await _plan(visit, drawing)
        except Exception as error:
            problem = visit.problem(error)
        return visit.page(
            "map_parts.html" if visit.query.get("part") else "map.html",
            drawing.title,
            drawing=drawing,
            plan=plan,
            problem=problem,
            here=drawing.name,
        )

    async def access(self, visit: Visit) -> Reply:
        body = await visit.maybe(Request("GET", "/identity/v3/auth/catalog"))
        rows = [
            (service["type"], service["name"], endpoint["url"])
            for service in (body or {}).get("catalog", ())
            for endpoint in service["endpoints"]
            if endpoint["interface"] == "public"
        ]
        return visit.page(
            "access.html", "API access", endpoints=sorted(rows), files=self._files(visit)
        )

    def _files(self, visit: Visit) -> Mapping[str, str]:
        return snippets.files(visit.signed.principal, self._desk.base_url, self._desk.region)

    async def file(self, visit: Visit) -> Reply:
        name = visit.call.path["file"]
        found = self._files(visit).get(name)
        if found is None:
            raise NotFound("There is no such file.")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Reply(
            200, headers=headers, raw=found.encode(), content_type="text/plain; charset=utf-8"
        )

    async def account(self, visit: Visit) -> Reply:
        body = await visit.maybe(Request("GET", "/identity/v3/auth/projects"))
        who = visit.signed.principal
        return visit.page(
            "account.html",
            "My account",
            projects=(body or {}).get("projects", ()),
            project_id=who.project_id,
            roles=who.roles,
            lent=bool(visit.signed.session.lent),
            me=who.user_id if "me" in self._desk.panels else "",
        )


def _link(event: EventRow, panel: Panel | None) -> Ref | None:
    """What an event is about; None where there is no page of it, or none any more."""
    name = str(event.detail.get("name") or "")
    if panel is None or panel.detail is None or ".delete" in event.type:
        return None
    by_name = panel.id.endswith(("name", "namespace"))
    id = name or event.resource_id if by_name else event.resource_id
    return Ref(panel.name, id, name or id[:8]) if id else None


def _quick(visit: Visit, panels: Mapping[str, Panel]) -> list[tuple[Panel, Any]]:
    """What most people come for: the first thing that can be made in each part."""
    shown = visit.desk.shown(visit.signed)
    found: dict[str, tuple[Panel, Any]] = {}
    for panel in shown:
        if panel.group not in found and panel.create and visit.can(panel.create[0], {}):
            found[panel.group] = (panel, panel.create[0])
    return list(found.values())[:4]


async def _ring(visit: Visit, gauge: Gauge) -> Ring | None:
    body = await visit.maybe(gauge.request)
    if body is None:
        return None
    try:
        return Ring(gauge.title, gauge.used(body), gauge.most(body), gauge.unit)
    except Exception as error:
        visit.problem(error)
        return None


async def _figure(visit: Visit, figure: Figure, now: str) -> tuple[Figure, str] | None:
    try:
        body = await visit.maybe(figure.request(now))
        return None if body is None else (figure, figure.text(body))
    except Exception as error:
        visit.problem(error)
        return None


async def _plan(visit: Visit, drawing: Drawing) -> Plan:
    """What a service does not give is left out, and so is what a project has beyond hundreds."""
    wanted = {name: (layer.request, layer.key) for name, layer in drawing.layers.items()}
    wanted.update(drawing.others)
    bodies = await asyncio.gather(*(visit.maybe(request) for request, _ in wanted.values()))
    rows: dict[str, Sequence[Item]] = {
        name: (body or {}).get(key, ())[:LAYER_MOST]
        for (name, (_, key)), body in zip(wanted.items(), bodies, strict=True)
    }
    rows["project"] = [{"id": visit.signed.principal.project_id}]
    plan = Plan()
    for number, (name, layer) in enumerate(drawing.layers.items()):
        for item in rows[name]:
            if layer.only(item, rows):
                status = str(item.get("status") or "")
                note = layer.note(item, rows)
                node = Node(layer.panel, str(item["id"]), named(item), status, note, number)
                plan.nodes.append(node)
    plan.edges = list(drawing.edges(rows))
    return laid_out(plan)
