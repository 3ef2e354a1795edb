"""Prices beside those of the settings: CloudKitty's hashmap.

A mapping says what an hour of a service (a type of resource) costs, or one whose field has a value;
a threshold, what it costs from a quantity or a field's value on. Rows are never changed in what
they cost in the past: they hold from `start` to `end`, and what is removed holds until then.
"""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Serial, Unique, table


@table("telemetry_hashmap_services", Unique("name"))
class HashServiceRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    """A type of resource: `instance`."""


@table("telemetry_hashmap_fields", Unique("service_id", "name"))
class HashFieldRow(Row, frozen=True):
    id: Annotated[str, Key()]
    service_id: Annotated[str, References("telemetry_hashmap_services.id", on_delete="CASCADE")]
    name: str
    """A fact of it: `flavor_name`."""


@table("telemetry_hashmap_groups", Unique("name"))
class HashGroupRow(Row, frozen=True):
    """Of the prices of one group that fit, the greatest counts; groups are added."""

    id: Annotated[str, Key()]
    name: str


@table("telemetry_hashmap_prices")
class HashPriceRow(Row, frozen=True):
    """A mapping, or with a level a threshold."""

    id: Annotated[str, Key()]
    service_id: Annotated[str | None, Index()]
    field_id: Annotated[str | None, Index()]
    """One of the two."""
    service_name: str
    field_name: str | None
    """Kept: they may be removed, and the past costs what it did."""
    group_id: Annotated[str | None, Index()]
    tenant_id: str | None
    """None: for everybody."""
    value: str | None
    level: str | None
    """A decimal number; None: it is a mapping."""
    cost: str
    """A decimal number."""
    type: str
    """flat: a price; rate: a factor."""
    name: str
    description: str | None
    start: Moment
    end: Moment | None
    deleted: Moment | None
    created_at: Moment


@table("telemetry_rating_modules")
class ModuleRow(Row, frozen=True):
    """Whether a way to rate is in use, where an administrator has said so."""

    name: Annotated[str, Key()]
    enabled: bool
    priority: int


@table("telemetry_price_terms")
class TermRow(Row, frozen=True):
    """From when on the settings' prices were these, and whether the hashmap counted beside them.
    The first one holds for all that was before it, too."""

    id: Annotated[int, Serial()]
    since: Moment
    flat: dict[str, str]
    """Decimal numbers, by what they are the price of."""
    hashmap: bool
