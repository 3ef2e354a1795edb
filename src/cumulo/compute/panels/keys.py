"""Key pairs and server groups."""

from collections.abc import Sequence
from typing import Any

from cumulo.compute.panels.common import ask
from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Panel,
    Ref,
    Shown,
    at,
    column,
    delete,
    part_of_path,
)
from cumulo.core.resource_types import Request


def _import(item: Item, form: Form) -> Request:
    body = {"name": form["name"], "public_key": form["public_key"].strip(), "type": "ssh"}
    return ask("POST", "/os-keypairs", {"keypair": body})


def _shown(body: Any) -> Sequence[Shown]:
    pair = body["keypair"]
    return [Shown("Private key", pair["private_key"], f"{pair['name']}.pem")]


def _name(item: Item) -> str:
    return str(at(item, "keypair.name") or item.get("name") or "")


KEY_PAIRS = Panel(
    name="keypairs",
    title="Key pairs",
    group="Compute",
    order=20,
    about="Keys for SSH: the public one is put into new servers, the private one is yours alone.",
    items=ask("GET", "/os-keypairs"),
    key="keypairs",
    columns=(
        column("Name", "keypair.name", link=True),
        column("Fingerprint", "keypair.fingerprint", "mono"),
        column("Type", "keypair.type"),
    ),
    detail=lambda id: ask("GET", f"/os-keypairs/{id}"),
    detail_key="keypair",
    lines=(
        column("Fingerprint", "fingerprint", "mono"),
        column("Type", "type"),
        column("Public key", "public_key", "mono"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create key pair",
            # Keys are made by the service only in the older versions of the API.
            lambda item, form: Request(
                "POST",
                "/compute/v2.1/os-keypairs",
                {"keypair": {"name": form["name"], "type": "ssh"}},
                "2.79",
            ),
            fields=(Field("name", "Name"),),
            about="The private key is shown once, and kept nowhere.",
            shows=_shown,
        ),
        Action(
            "import",
            "Import key pair",
            _import,
            fields=(
                Field("name", "Name"),
                Field(
                    "public_key",
                    "Public key",
                    "textarea",
                    help="The line in ~/.ssh/id_ed25519.pub",
                    longest=16384,
                ),
            ),
        ),
    ),
    actions=(delete(lambda item: f"/compute/v2.1/os-keypairs/{part_of_path(_name(item))}"),),
    id="keypair.name",
    marker=False,
    events="keypair",
    label=_name,
)
GROUPS = Panel(
    name="servergroups",
    title="Server groups",
    group="Compute",
    order=21,
    about="Servers that are kept together on one host, or apart from one another.",
    items=ask("GET", "/os-server-groups"),
    key="server_groups",
    columns=(
        column("Name", "name", link=True),
        column("Policy", "policy"),
        Column("Members", lambda item: len(item.get("members") or ())),
    ),
    detail=lambda id: ask("GET", f"/os-server-groups/{id}"),
    detail_key="server_group",
    lines=(
        column("Id", "id", "mono"),
        column("Policy", "policy"),
        Column("Members", lambda item: [Ref("servers", id) for id in item["members"]], "list"),
    ),
    create=(
        Action(
            "create",
            "Create server group",
            lambda item, form: ask(
                "POST",
                "/os-server-groups",
                {"server_group": {"name": form["name"], "policy": form["policy"]}},
            ),
            fields=(
                Field("name", "Name"),
                Field(
                    "policy",
                    "Policy",
                    "select",
                    default="anti-affinity",
                    choices=(
                        ("anti-affinity", "Apart"),
                        ("soft-anti-affinity", "Apart, if that can be"),
                        ("affinity", "Together"),
                        ("soft-affinity", "Together, if that can be"),
                    ),
                ),
            ),
        ),
    ),
    actions=(delete(lambda item: f"/compute/v2.1/os-server-groups/{part_of_path(item['id'])}"),),
    marker=False,
    events="server_group",
)
