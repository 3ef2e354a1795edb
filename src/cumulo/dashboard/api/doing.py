"""Forms and what they do: making, changing, removing, uploads and downloads."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from cumulo.core.faults import BadRequest, Fault, NotFound, TooLarge
from cumulo.core.http.caller import Result
from cumulo.core.http.operations import Operation, Reply
from cumulo.core.panels import Action, Ask, Field, Item, Options, Panel, Part, at
from cumulo.core.resource_types import Request
from cumulo.dashboard.api.desk import MOUNT, Desk, Visit, address_of, limit_of, why
from cumulo.dashboard.api.details import row_of
from cumulo.dashboard.api.forms import Filled, filled
from cumulo.dashboard.api.html import redirect
from cumulo.dashboard.locale.languages import Words

MOST_OPTIONS = 500
SHOWN_GOING = 20
MOST_TEXT = 512 * 1024
DOWNLOAD = {
    # Whatever it is that a tenant has stored: it is never a page of this address.
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@dataclass
class Doing:
    """An action at its place."""

    panel: Panel
    action: Action
    item: Item
    back: str
    """Where it leads when it is done."""


class Forms:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        stream: dict[str, Any] = {"kind": "stream", "public": True}
        made = []
        for path, find in (
            ("/{panel}/new/{action}", self._new),
            ("/{panel}/{id}/do/{action}", self._own),
            ("/{panel}/{id}/part/{part}/do/{action}", self._of_row),
            ("/{panel}/{id}/part/{part}/new/{action}", self._of_part),
        ):
            made += [
                Operation("GET", path, self._desk.page(self._asking(find)), **stream),
                Operation("POST", path, self._desk.page(self._acting(find)), **stream),
                Operation("POST", f"{path}/check", self._desk.page(self._checking(find)), **stream),
            ]
        return made

    # --- what is meant -------------------------------------------------------------------------

    async def _new(self, visit: Visit) -> Doing:
        panel = visit.panel()
        action = _named(panel.create, visit)
        return Doing(panel, action, {}, f"{MOUNT}/{panel.name}")

    async def _own(self, visit: Visit) -> Doing:
        panel, id = visit.panel(), visit.call.path["id"]
        action = _named(panel.actions, visit)
        item = await visit.item(panel, id)
        gone = (action.danger and action.name == "delete") or action.gone
        back = f"{MOUNT}/{panel.name}"
        return Doing(panel, action, item, back if gone else f"{back}/{quote(id, safe='')}")

    async def _part(self, visit: Visit) -> tuple[Panel, Part, Item, str]:
        panel, id = visit.panel(), visit.call.path["id"]
        part = next((p for p in panel.parts if p.name == visit.call.path["part"]), None)
        if part is None:
            raise NotFound("There is no such page.")
        place = visit.query.get("in", "")
        back = f"{MOUNT}/{panel.name}/{quote(id, safe='')}"
        if place:
            back += "?" + urlencode({"of": part.name, "in": place})
        return panel, part, await visit.item(panel, id), back

    async def _of_row(self, visit: Visit) -> Doing:
        panel, part, item, back = await self._part(visit)
        action = _named(part.actions, visit)
        row = await row_of(visit, part, item, visit.query.get("row", ""))
        return Doing(panel, action, row, back)

    async def _of_part(self, visit: Visit) -> Doing:
        panel, part, item, back = await self._part(visit)
        action = _named(part.create, visit)
        return Doing(panel, action, {"of": item, "place": visit.query.get("in", "")}, back)

    # --- what is done --------------------------------------------------------------------------

    def _asking(self, find: Any) -> Any:
        async def ask(visit: Visit) -> Reply:
            doing: Doing = await find(visit)
            if doing.action.download and not doing.action.fields:
                return await self._download(visit, doing)
            # Nothing of the address: a link fills in no form, least of all what is folded away.
            return await self._form(visit, doing, {})

        return ask

    def _acting(self, find: Any) -> Any:
        async def act(visit: Visit) -> Reply:
            form = await filled(visit.call)
            visit.prove(form.fields)
            doing: Doing = await find(visit)
            if doing.item and not visit.makes_sense(doing.action.allowed, doing.item):
                raise BadRequest("This cannot be done to it as it is now.")
            try:
                await _read_texts(doing.action.fields, form)
                values = checked(doing.action.fields, form, visit.words)
                answer = await self._do(visit, doing, values, form.file)
            except Fault as fault:
                # All as it was sent: a box that is not there is one that was left empty.
                given = {each.name: form.fields.get(each.name, "") for each in doing.action.fields}
                return await self._form(visit, doing, given, why(fault))
            if doing.action.download:
                return _file(doing, answer)
            if doing.action.shows is not None:
                shown = doing.action.shows(answer.body)
                return visit.page("shown.html", doing.action.label, shown=shown, back=doing.back)
            return redirect(doing.back)

        return act

    async def _do(
        self,
        visit: Visit,
        doing: Doing,
        values: Mapping[str, str],
        file: AsyncIterator[bytes] | None,
    ) -> Result:
        action, answer = doing.action, None
        try:
            asked = action.request(doing.item, values)
        except (ValueError, KeyError, TypeError) as error:
            raise BadRequest(f"What was filled in cannot be understood: {error}") from None
        for each in [asked] if isinstance(asked, Request) else asked:
            answer = (await visit.result(each, _content(each, file))).checked()
        if answer is None:
            raise BadRequest("Nothing was changed.")
        if action.then is not None:
            try:
                for each in action.then(doing.item, values, answer.body):
                    (await visit.result(each, _content(each, file))).checked()
            except BaseException:
                if action.undo is not None:
                    await visit.maybe(action.undo(answer.body))
                raise
        return answer

    async def _download(self, visit: Visit, doing: Doing) -> Reply:
        asked = doing.action.request(doing.item, {})
        assert isinstance(asked, Request)
        return _file(doing, (await visit.result(asked)).checked())

    def _checking(self, find: Any) -> Any:
        async def check(visit: Visit) -> Reply:
            """What would be refused, and the same by other ways: said while one types."""
            form = await filled(visit.call)
            visit.prove(form.fields)
            doing: Doing = await find(visit)
            said, same = await _advice(visit, doing, form.fields)
            return visit.page("advice.html", doing.action.label, said=said, same=same)

        return check

    async def _form(
        self, visit: Visit, doing: Doing, given: Mapping[str, str], problem: str = ""
    ) -> Reply:
        action = doing.action
        choices, cut = {}, set()
        for each in action.fields:
            if each.options is not None or each.choices:
                choices[each.name], whole = await _choices(visit, each, doing.item)
                cut |= set() if whole else {each.name}
        defaults = {}
        for each in action.fields:
            found = each.default(doing.item) if callable(each.default) else each.default
            defaults[each.name] = "" if found is None else str(found)
        going = []
        for goes in action.goes:
            body = await visit.maybe(goes.request(doing.item))
            rows = [row for row in (body or {}).get(goes.key, ()) if goes.only(row, doing.item)]
            if rows:
                names = [goes.label(row) for row in rows[:SHOWN_GOING]]
                going.append((goes.title, names, len(rows) - len(names)))
        said, same = await _advice(visit, doing, {**defaults, **given})
        return visit.page(
            "form.html",
            action.label,
            400 if problem else 200,
            panel=doing.panel,
            action=action,
            item=doing.item,
            back=doing.back,
            here_url=address_of(visit.call),
            check_url=_check_url(visit),
            given={**defaults, **given},
            choices=choices,
            cut=cut,
            going=going,
            said=said,
            same=same,
            problem=problem,
            files=any("file" in each.kind for each in action.fields),
            called=_called(doing),
        )


def _called(doing: Doing) -> str:
    """What the action is about, for people."""
    if not doing.item:
        return ""
    item = doing.item
    return doing.panel.label(item.get("of", item)) if "of" in item else doing.panel.label(item)


def _check_url(visit: Visit) -> str:
    path, sign, query = address_of(visit.call).partition("?")
    return f"{path.rstrip('/').removesuffix('/check')}/check{sign}{query}"


async def _advice(
    visit: Visit, doing: Doing, form: Mapping[str, str]
) -> tuple[list[str], Mapping[str, str]]:
    said: list[str] = []
    action = doing.action
    whole = {**{each.name: "" for each in action.fields}, **form}
    same: Mapping[str, str] = {}
    # A form that is half filled in has no advice yet.
    unfinished = contextlib.suppress(Exception)
    if action.check is not None:
        with unfinished:
            asked = action.facts(doing.item, whole)
            facts = {name: await _fact(visit, request) for name, request in asked.items()}
            said = [visit.words(each) for each in action.check(whole, facts)]
    if action.same is not None:
        with unfinished:
            same = action.same(whole)
    return said, same


async def _fact(visit: Visit, request: Request) -> Any:
    try:
        return await visit.ask(request)
    except Exception as error:
        return {"fault": visit.problem(error)}


async def _choices(visit: Visit, field: Field, item: Item) -> tuple[list[tuple[str, str]], bool]:
    """(value, label) of each, and whether these are all."""
    if field.choices:
        return [(value, visit.words(label)) for value, label in field.choices], True
    options = field.options
    assert isinstance(options, Options)
    asked = options.request(item) if callable(options.request) else options.request
    body = await visit.maybe(asked)
    rows = (body[options.key] if options.key else body) if body else []
    most = min(limit_of(asked) or MOST_OPTIONS, MOST_OPTIONS)
    found = [
        (str(at(one, options.value)), options.label(one))
        for one in rows[:most]
        if options.only(one, item)
    ]
    return found, len(rows) < most


def _content(request: Request, file: AsyncIterator[bytes] | None) -> AsyncIterator[bytes] | None:
    if not (isinstance(request, Ask) and request.file):
        return None
    if file is None:
        raise BadRequest("A file is missing.")
    return file


def _file(doing: Doing, answer: Result) -> Reply:
    """Saved by the browser, never shown."""
    assert doing.action.download is not None
    name = doing.action.download(doing.item).replace("/", "_")
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    wide = quote(name, safe="", errors="replace")
    disposition = f"attachment; filename=\"{plain[:150]}\"; filename*=UTF-8''{wide[:600]}"
    headers = {**DOWNLOAD, "Content-Disposition": disposition}
    kind = "application/octet-stream"
    if answer.stream is not None:
        return Reply(200, headers=headers, stream=answer.stream, content_type=kind)
    return Reply(200, headers=headers, raw=answer.raw, content_type=kind)


def _named(actions: Sequence[Action], visit: Visit) -> Action:
    found = next((each for each in actions if each.name == visit.call.path["action"]), None)
    if found is None:
        raise NotFound("There is no such page.")
    return found


def checked(fields: Sequence[Field], form: Filled, words: Words) -> dict[str, str]:
    """The form's own fields. Raises BadRequest in words for whoever filled it."""
    made = {}
    for each in fields:
        name = words(each.label)
        if each.kind == "file":
            if each.required and form.file is None:
                raise BadRequest(words("{name} is missing.", name=name))
            made[each.name] = form.file_name
            continue
        value = form.fields.get(each.name, "")
        if each.kind != "password":
            value = value.strip()
        if each.required and not value and each.kind != "check":
            raise BadRequest(words("{name} is missing.", name=name))
        if len(value) > each.longest and each.kind != "text file":
            text = "{name} is longer than {most} letters."
            raise BadRequest(words(text, name=name, most=each.longest))
        if each.kind == "number" and value and not _is_number(value):
            raise BadRequest(words("{name} must be a number.", name=name))
        made[each.name] = value
    return made


async def _read_texts(fields: Sequence[Field], form: Filled) -> None:
    """A file that is a text becomes a field's value. Raises BadRequest, TooLarge."""
    field = next((each for each in fields if each.kind == "text file"), None)
    if field is None or form.file is None:
        return
    raw = bytearray()
    async for piece in form.file:
        raw += piece
        if len(raw) > MOST_TEXT:
            raise TooLarge("The file is too large.")
    try:
        form.fields[field.name] = raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("The file is no text.") from None
    form.file = None


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 10
