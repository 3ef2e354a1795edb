"""Domains: containers of projects and users."""

from typing import Annotated, Any

from cumulo.core.db.rows import Key, Row, Unique, table

DEFAULT_DOMAIN_ID = "default"


@table("identity_domains", Unique("name"))
class DomainRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str
    enabled: bool
    tags: list[str]
    options: dict[str, Any]
    extra: dict[str, Any]
    """Attributes that clients made up; identity keeps and returns them."""
