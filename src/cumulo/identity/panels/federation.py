"""Whoever signs in elsewhere: identity providers, their protocols, and mappings."""

import json
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Panel,
    Part,
    column,
    delete,
    part_of_path,
)
from cumulo.core.resource_types import Request
from cumulo.identity.panels.common import ask

AT = "/OS-FEDERATION"
EXAMPLE = """[
  {
    "local": [{"user": {"name": "{0}"}, "group": {"id": "GROUP"}}],
    "remote": [{"type": "preferred_username"}]
  }
]"""


def _provider(item: Item) -> str:
    return f"{AT}/identity_providers/{part_of_path(item['id'])}"


def _rules(item: Item, form: Form) -> Request:
    rules: Any = json.loads(form["rules"])
    return ask("PUT", f"{AT}/mappings/{part_of_path(form['id'])}", {"mapping": {"rules": rules}})


PROTOCOLS = Part(
    "protocols",
    "Protocols",
    lambda item, place: ask("GET", f"{_provider(item)}/protocols"),
    "protocols",
    (column("Name", "id"), column("Mapping", "mapping_id")),
    actions=(
        Action(
            "delete",
            "Delete",
            lambda item, form: ask(
                "DELETE", f"{_provider(item['of'])}/protocols/{part_of_path(item['id'])}"
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Add",
            lambda item, form: ask(
                "PUT",
                f"{_provider(item['of'])}/protocols/{part_of_path(form['id'])}",
                {"protocol": {"mapping_id": form["mapping"]}},
            ),
            fields=(
                Field(
                    "id",
                    "Protocol",
                    "select",
                    choices=(("openid", "OpenID Connect"), ("saml2", "SAML 2.0")),
                ),
                Field(
                    "mapping",
                    "Mapping",
                    "select",
                    options=Options(
                        ask("GET", f"{AT}/mappings"), "mappings", lambda each: str(each["id"])
                    ),
                ),
            ),
        ),
    ),
)
PROVIDERS = Panel(
    name="providers",
    title="Identity providers",
    group="Identity",
    order=840,
    about="Other places where people sign in, and that this cloud believes.",
    items=ask("GET", f"{AT}/identity_providers"),
    key="identity_providers",
    columns=(
        column("Name", "id", link=True),
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
    ),
    detail=lambda id: ask("GET", f"{AT}/identity_providers/{id}"),
    detail_key="identity_provider",
    lines=(
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
        Column("Remote ids", lambda item: item.get("remote_ids"), "list"),
    ),
    label=lambda item: str(item.get("id")),
    create=(
        Action(
            "create",
            "Create identity provider",
            lambda item, form: ask(
                "PUT",
                f"{AT}/identity_providers/{part_of_path(form['id'])}",
                {
                    "identity_provider": {
                        "enabled": True,
                        "description": form.get("description") or None,
                        "remote_ids": [form["remote"]] if form.get("remote") else [],
                    }
                },
            ),
            fields=(
                Field("id", "Name", longest=64),
                Field("description", "Description", required=False),
                Field("remote", "Remote id", required=False, help="Its issuer or entity id."),
            ),
        ),
    ),
    actions=(delete(lambda item: f"/identity/v3{_provider(item)}"),),
    parts=(PROTOCOLS,),
    marker=False,
    events="identity_provider protocol",
)
MAPPINGS = Panel(
    name="mappings",
    title="Mappings",
    group="Identity",
    order=841,
    about="What somebody who signs in elsewhere is here.",
    items=ask("GET", f"{AT}/mappings"),
    key="mappings",
    columns=(column("Name", "id", link=True),),
    detail=lambda id: ask("GET", f"{AT}/mappings/{id}"),
    detail_key="mapping",
    lines=(Column("Rules", lambda item: json.dumps(item.get("rules")), "mono"),),
    label=lambda item: str(item.get("id")),
    create=(
        Action(
            "create",
            "Create mapping",
            _rules,
            fields=(
                Field("id", "Name", longest=64),
                Field("rules", "Rules", "textarea", default=EXAMPLE, longest=50_000),
            ),
        ),
    ),
    actions=(delete(lambda item: f"/identity/v3{AT}/mappings/{part_of_path(item['id'])}"),),
    marker=False,
    events="mapping",
)
