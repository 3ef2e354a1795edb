"""Quotas of the network, for operators."""

from cumulo.core.panels import Action, Field, Panel, at, column, part_of_path
from cumulo.core.resource_types import Request
from cumulo.network.panels.common import BASE

_NAMES = {
    "network": "Networks",
    "subnet": "Subnets",
    "port": "Ports",
    "router": "Routers",
    "floatingip": "Floating IPs",
    "security_group": "Security groups",
    "security_group_rule": "Rules of security groups",
}


def _field(name: str, label: str) -> Field:
    return Field(name, label, "number", default=lambda item: at(item, name))


QUOTAS = Panel(
    name="networkquotas",
    title="Quotas of the network",
    group="Cloud",
    order=921,
    about="How much each project may have. -1: no limit.",
    items=Request("GET", "/identity/v3/projects"),
    key="projects",
    columns=(column("Project", "name", link=True), column("Id", "id", "mono")),
    search=("name__icontains={q}",),
    detail=lambda id: Request("GET", f"{BASE}/quotas/{id}"),
    pick=lambda body, id: {**body["quota"], "id": id},
    lines=tuple(column(label, name) for name, label in _NAMES.items()),
    actions=(
        Action(
            "edit",
            "Edit",
            lambda item, form: Request(
                "PUT",
                f"{BASE}/quotas/{part_of_path(item['id'])}",
                {"quota": {name: int(value) for name, value in form.items()}},
            ),
            fields=tuple(_field(name, label) for name, label in _NAMES.items()),
            main=True,
        ),
        Action(
            "reset",
            "Back to the defaults",
            lambda item, form: Request("DELETE", f"{BASE}/quotas/{part_of_path(item['id'])}"),
            danger=True,
        ),
    ),
    found=False,
)
