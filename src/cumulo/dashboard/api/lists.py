"""Lists: pages, search and filters in the database, several at once, the search over everything."""

import asyncio
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cumulo.core.faults import BadRequest, Fault, NotFound
from cumulo.core.http.operations import Operation, Reply
from cumulo.core.panels import Action, Item, Panel, at
from cumulo.core.resource_types import Request
from cumulo.dashboard.api.desk import MOUNT, Desk, Visit, rows_of, why
from cumulo.dashboard.api.desk import PAGE as AT_DESK
from cumulo.dashboard.api.forms import filled
from cumulo.dashboard.api.html import page, redirect

PAGE = 50
MOST_AT_ONCE = 200
FOUND_OF_A_KIND = 5
SOUGHT = 500
MOST_SOUGHT = 10
MOST_ROWS = 500
"""Of a list without pages."""
_SPECIAL = re.compile(r"[.^$*+?{}\[\]|()\\]")
_IDS = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F-]{36}")


@dataclass
class Listed:
    """What a list's page shows."""

    rows: list[Item] = field(default_factory=list)
    problem: str = ""
    more: str = ""
    """The address of the next page; empty on the last one."""
    after: str = ""
    """The last thing that was looked at, where there is more."""
    cut: int = 0
    """How many there are, where not all of them are shown."""


class Lists:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        shown = self._desk.page
        return [
            Operation("GET", "/search", shown(self.search), **AT_DESK),
            Operation("GET", "/{panel}", shown(self.index), **AT_DESK),
            Operation("POST", "/{panel}/bulk", shown(self.bulk), **AT_DESK),
        ]

    async def index(self, visit: Visit) -> Reply:
        panel, query = visit.panel(), visit.query
        part = query.pop("part", "")
        if part == "row":
            return await self._row(visit, panel, query.get("id", ""))
        listed = await listing(visit, panel)
        return visit.page(
            "list_rows.html" if part else "list.html",
            panel.title,
            panel=panel,
            listed=listed,
            rows=list(
                zip(listed.rows, await visit.values(panel.columns, listed.rows), strict=True)
            ),
            create=[each for each in panel.create if visit.can(each, {})],
            bulk=_bulk(visit, panel, listed.rows),
            id_of=lambda item: at(item, panel.id),
            query=query,
            tail=f"?{urlencode(query)}" if query else "",
            everywhere=sees_everything(visit, panel),
            address=lambda **changed: _address(panel, query, changed),
        )

    async def _row(self, visit: Visit, panel: Panel, id: str) -> Reply:
        """One row anew: many browsers ask for it when something in it has changed."""
        if not panel.rowwise:
            raise NotFound("There is no such page.")
        item = await visit.item(panel, id)
        return page(
            "list_row.html",
            _=visit.words,
            site=visit.site,
            mount=MOUNT,
            panel=panel,
            item=item,
            values=(await visit.values(panel.columns, [item]))[0],
            bulk=_bulk(visit, panel, [item]),
            id_of=lambda item: at(item, panel.id),
        )

    async def bulk(self, visit: Visit) -> Reply:
        """One action on several things, each for itself; what is refused is said."""
        panel = visit.panel()
        form = (await filled(visit.call)).fields
        visit.prove(form)
        wanted = form.get("action", "")
        action = next((a for a in panel.actions if a.bulk and a.name == wanted), None)
        if action is None:
            raise NotFound("There is no such page.")
        ids = [line for line in form.get("id", "").splitlines() if line]
        if len(ids) > MOST_AT_ONCE:
            raise BadRequest(visit.words("{most} at once are the most.", most=MOST_AT_ONCE))
        # Back to the same page of the same choice.
        tail = f"?{visit.call.query_string}" if visit.call.query_string else ""
        where = f"{MOUNT}/{panel.name}{tail}"
        if not ids:
            return redirect(where)
        if action.danger and form.get("sure") != "yes":
            return await self._sure(visit, panel, action, ids, tail)
        done, refused = 0, []
        for id in ids:
            reason = await _one(visit, panel, action, id)
            done += not reason
            if reason:
                refused.append((id, reason))
        if not refused:
            return redirect(where)
        return visit.page(
            "bulk.html", action.label, panel=panel, action=action, done=done, refused=refused
        )

    async def _sure(
        self, visit: Visit, panel: Panel, action: Action, ids: Sequence[str], tail: str
    ) -> Reply:
        items = []
        for id in ids:
            try:
                items.append((id, panel.label(await visit.item(panel, id))))
            except Fault:
                continue
        return visit.page(
            "sure.html", action.label, panel=panel, action=action, items=items, tail=tail
        )

    async def search(self, visit: Visit) -> Reply:
        """Anything by its name, id or address, and the pages themselves."""
        asked = visit.query.get("q", "").strip()[:255]
        folded = asked.casefold()
        shown = self._desk.shown(visit.signed)
        pages = [p for p in shown if not asked or folded in visit.words(p.title).casefold()]
        found: list[tuple[Panel, list[tuple[str, str]]]] = []
        if asked:
            looked = await asyncio.gather(*(_look(visit, p, asked) for p in shown if p.found))
            found = [each for each in looked if each[1]]
        return visit.page(
            "found.html" if visit.query.get("part") else "search.html",
            "Search",
            asked=asked,
            pages=pages[: 8 if asked else 60],
            found=found,
        )


def _bulk(visit: Visit, panel: Panel, rows: Sequence[Item]) -> list[Action]:
    """What can be done to several, of what the rules let this user do to any of them."""
    several = [each for each in panel.actions if each.bulk and not each.fields]
    return [each for each in several if any(visit.lets(each, row) for row in rows)]


async def _look(visit: Visit, panel: Panel, asked: str) -> tuple[Panel, list[tuple[str, str]]]:
    try:
        return panel, await _hits(visit, panel, asked)
    except Exception as error:
        visit.problem(error)
        return panel, []


async def _hits(visit: Visit, panel: Panel, asked: str) -> list[tuple[str, str]]:
    hits: dict[str, str] = {}
    for query in searches(panel, asked):
        rows = await _rows(visit, panel, {**query, **_limit(panel, FOUND_OF_A_KIND)})
        for row in rows or []:
            hits.setdefault(str(at(row, panel.id)), panel.label(row))
        if hits:
            break
    if not hits and _IDS.fullmatch(asked):
        hits.update((asked, panel.label(row)) for row in await _by_id(visit, panel, asked))
    if not panel.search:
        rows = await _rows(visit, panel, {})
        hits = {
            str(at(row, panel.id)): panel.label(row)
            for row in (rows or [])
            if matches(panel, row, asked)
        }
    return list(hits.items())[:FOUND_OF_A_KIND]


async def _by_id(visit: Visit, panel: Panel, id: str) -> list[Item]:
    """The one thing of that id, where the list has no filter for it."""
    if panel.detail is None:
        return []
    try:
        return [await visit.item(panel, id)]
    except (Fault, LookupError):
        return []


async def _rows(visit: Visit, panel: Panel, query: Mapping[str, str]) -> list[Item] | None:
    body = await visit.maybe(_with(panel.items, query))
    return None if body is None else rows_of(panel, body)


def matches(panel: Panel, row: Item, asked: str) -> bool:
    folded = asked.casefold()
    return folded in panel.label(row).casefold() or folded in str(at(row, panel.id)).casefold()


async def _one(visit: Visit, panel: Panel, action: Action, id: str) -> str:
    """Why it was refused; empty: it was done."""
    try:
        item = await visit.item(panel, id)
        asked = action.request(item, {})
        for each in [asked] if isinstance(asked, Request) else asked:
            await visit.ask(each)
    except Fault as fault:
        return why(fault)
    return ""


def sees_everything(visit: Visit, panel: Panel) -> bool:
    """Whether the user may look at all projects' things."""
    if not panel.everywhere_rule:
        return False
    return visit.desk.may(visit.signed, panel.items, rule=panel.everywhere_rule)


def searches(panel: Panel, asked: str) -> Iterator[dict[str, str]]:
    """Queries that may find what was typed."""
    for template in panel.search:
        value = asked
        if "{id}" in template and not _IDS.fullmatch(asked):
            continue
        if "{ip}" in template and not _is_address(asked):
            continue
        if panel.pattern and "{q}" in template:
            # No more than has to be: the service then sees that it is a plain text.
            value = _SPECIAL.sub(r"\\\g<0>", asked)
        pairs = parse_qsl(template, keep_blank_values=True)
        yield {
            name: text.replace("{q}", value).replace("{id}", value).replace("{ip}", value)
            for name, text in pairs
        }


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _limit(panel: Panel, most: int) -> dict[str, str]:
    return {"limit": str(most)} if panel.marker else {}


def _with(request: Request, query: Mapping[str, str]) -> Request:
    return replace(request, query={**request.query, **query})


async def listing(visit: Visit, panel: Panel) -> Listed:
    """A list that fails shows why, and takes nothing else with it."""
    query = visit.query
    asked = query.get("q", "").strip()[:255]
    wanted = _narrowed(visit, panel, query)
    found = Listed()
    try:
        if asked and not panel.search:
            await _sought(visit, panel, wanted, asked, found)
        elif not asked:
            found.rows = rows_of(panel, await visit.ask(_with(panel.items, wanted)))
        for each in searches(panel, asked) if asked else ():
            try:
                body = await visit.ask(_with(panel.items, {**wanted, **each}))
            except Fault:
                # What was typed is no value of that attribute.
                continue
            found.rows = rows_of(panel, body)
            if found.rows:
                break
        if asked and not found.rows and _IDS.fullmatch(asked):
            found.rows = await _by_id(visit, panel, asked)
    except Exception as error:
        found.rows, found.problem = [], visit.problem(error)
    if panel.marker and len(found.rows) > PAGE:
        found.rows = found.rows[:PAGE]
        found.after = str(at(found.rows[-1], panel.id))
    if len(found.rows) > MOST_ROWS:
        # A list without pages: nobody is told half of it as the whole.
        found.rows, found.cut = found.rows[:MOST_ROWS], len(found.rows)
    if found.after:
        found.more = _address(panel, query, {"marker": found.after, "part": ""})
    return found


async def _sought(
    visit: Visit, panel: Panel, wanted: Mapping[str, str], asked: str, found: Listed
) -> None:
    """What was typed, in a list that its service cannot search: page after page, so many for one
    page here; the next one goes on where this one ended."""
    query = dict(wanted) | _limit(panel, SOUGHT)
    for _ in range(MOST_SOUGHT if panel.marker else 1):
        rows = rows_of(panel, await visit.ask(_with(panel.items, query)))
        found.rows += [row for row in rows if matches(panel, row, asked)]
        found.after = str(at(rows[-1], panel.id)) if panel.marker and len(rows) >= SOUGHT else ""
        if not found.after or len(found.rows) > PAGE:
            return
        query["marker"] = found.after


def _narrowed(visit: Visit, panel: Panel, query: Mapping[str, str]) -> dict[str, str]:
    """The query that the address asks for, in the API's words."""
    made: dict[str, str] = _limit(panel, PAGE + 1)
    for each in panel.filters:
        value = query.get(each.name, "")
        if value in [key for key, _ in each.choices]:
            made[each.name] = value
    keys = {column.sort for column in panel.columns if column.sort}
    if query.get("sort") in keys:
        made["sort_key"] = query["sort"]
        made["sort_dir"] = "desc" if query.get("dir") == "desc" else "asc"
    if panel.marker and query.get("marker"):
        made["marker"] = query["marker"]
    if sees_everything(visit, panel):
        project = visit.signed.principal.project_id or ""
        text = panel.everywhere if query.get("scope") == "all" else panel.own
        for name, value in parse_qsl(text.replace("{project}", project)):
            # Not in the place of what was chosen: an order.
            made.setdefault(name, value)
    return made


def _address(panel: Panel, query: Mapping[str, str], changed: Mapping[str, Any]) -> str:
    """This list's address with another order, filter or page."""
    merged = {**query, **{"marker": "", "part": ""}, **{k: str(v) for k, v in changed.items()}}
    pairs = {name: value for name, value in merged.items() if value}
    return f"{MOUNT}/{panel.name}" + (f"?{urlencode(pairs)}" if pairs else "")
