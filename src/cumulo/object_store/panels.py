"""The object store in the dashboard: containers, and the objects in them."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Ask,
    Column,
    Field,
    Form,
    Item,
    Panel,
    Part,
    column,
    part_of_path,
)
from cumulo.core.resource_types import Request

BASE = "/object-store/v1/AUTH_{project}"
EVERYBODY = ".r:*,.rlistings"
PAGE = 100


def _container(item: Item) -> str:
    return f"{BASE}/{part_of_path(item['name'])}"


def _object(item: Item) -> str:
    return f"{_container(item['of'])}/{part_of_path(item['name'])}"


def _objects(item: Item, place: str) -> Request:
    query = {"format": "json", "delimiter": "/", "limit": str(PAGE)}
    if place:
        query["prefix"] = place
    return Request("GET", _container(item), None, None, query)


def _upload(item: Item, form: Form) -> Request:
    name = form.get("name") or form["file"]
    path = f"{_container(item['of'])}/{part_of_path(item['place'] + name)}"
    # The store guesses from the name; a browser's word for it is not asked for.
    return Ask("PUT", path, headers={"X-Detect-Content-Type": "true"}, file=True)


def _folder(item: Item, form: Form) -> Request:
    name = item["place"] + form["name"].strip("/") + "/"
    headers = {"Content-Type": "application/directory"}
    path = f"{_container(item['of'])}/{part_of_path(name)}"
    return Ask("PUT", path, headers=headers, content=b"")


def _pick(answer: Any, id: str) -> Item:
    said = answer["headers"]
    return {
        "name": id,
        "count": int(said.get("x-container-object-count", "0")),
        "bytes": int(said.get("x-container-bytes-used", "0")),
        "public": ".r:*" in said.get("x-container-read", ""),
        "path": f"/object-store/v1/AUTH_{answer['project']}/{part_of_path(id)}/",
    }


def _readable(text: str) -> Any:
    def request(item: Item, form: Form) -> Request:
        return Ask("POST", _container(item), headers={"X-Container-Read": text}, content=b"")

    return request


def _name(item: Item) -> str:
    whole = str(item.get("subdir") or item.get("name") or "")
    return whole.rstrip("/").rpartition("/")[2] + ("/" if whole.endswith("/") else "")


OBJECTS = Part(
    "objects",
    "Objects",
    _objects,
    "",
    (
        Column("Name", _name, link=True),
        column("Size", "bytes", "bytes"),
        column("Kind", "content_type"),
        column("Changed", "last_modified", "time"),
    ),
    id="name",
    place=lambda item: str(item.get("subdir") or ""),
    actions=(
        Action(
            "download",
            "Download",
            lambda item, form: Request("GET", _object(item)),
            allowed=lambda item: "subdir" not in item,
            download=lambda item: _name(item) or "object",
        ),
        Action(
            "copy",
            "Copy",
            lambda item, form: Ask(
                "PUT",
                f"{_container(item['of'])}/{part_of_path(form['name'])}",
                headers={
                    "X-Copy-From": f"/{part_of_path(item['of']['name'])}/"
                    f"{part_of_path(item['name'])}"
                },
                content=b"",
            ),
            fields=(
                Field("name", "Name", default=lambda i: f"{i.get('name')}-copy", longest=1024),
            ),
            allowed=lambda item: "subdir" not in item,
        ),
        Action(
            "delete",
            "Delete",
            lambda item, form: Request("DELETE", _object(item)),
            allowed=lambda item: "subdir" not in item,
            danger=True,
        ),
    ),
    create=(
        Action(
            "upload",
            "Upload",
            _upload,
            fields=(
                Field("name", "Name", required=False, help="Empty: as the file's.", longest=1024),
                Field("file", "File", "file"),
            ),
        ),
        Action("folder", "New folder", _folder, fields=(Field("name", "Name"),)),
    ),
)
CONTAINERS = Panel(
    name="containers",
    title="Object containers",
    group="Storage",
    order=45,
    about="Files of any size by their names, over HTTP and S3.",
    items=Request("GET", BASE, None, None, {"format": "json"}),
    key="",
    columns=(
        column("Name", "name", link=True),
        column("Objects", "count"),
        column("Size", "bytes", "bytes"),
        column("Changed", "last_modified", "time"),
    ),
    search=("prefix={q}",),
    detail=lambda id: Request("GET", f"{BASE}/{id}?format=json&limit=1"),
    pick=_pick,
    whole=True,
    lines=(
        column("Objects", "count"),
        column("Size", "bytes", "bytes"),
        column("Public", "public", "yes"),
        column("Address", "path", "mono"),
    ),
    create=(
        Action(
            "create",
            "Create container",
            lambda item, form: Ask("PUT", _container(form), content=b""),
            fields=(Field("name", "Name", longest=256),),
        ),
    ),
    actions=(
        Action(
            "public",
            "Make public",
            _readable(EVERYBODY),
            about="Everybody who knows its address can read what is in it, without signing in.",
            allowed=lambda item: not item.get("public"),
            main=True,
        ),
        Action(
            "private",
            "Make private",
            _readable(""),
            about="Only the project can read what is in it.",
            allowed=lambda item: bool(item.get("public")),
            main=True,
        ),
        Action(
            "delete",
            "Delete",
            lambda item, form: Request("DELETE", _container(item)),
            danger=True,
            bulk=True,
            about="It has to be empty.",
        ),
    ),
    parts=(OBJECTS,),
    events="container",
    id="name",
)
PANELS = (CONTAINERS,)
