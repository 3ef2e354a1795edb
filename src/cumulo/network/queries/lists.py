"""Lists of the network API: every plain column of a noun is a filter and a sort key."""

from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from cumulo.core.db.listing import Condition, Listing, contains_folded, equals, one_of
from cumulo.core.db.rows import Row, columns

R = TypeVar("R", bound=Row)


class NounListing(Listing[R]):
    """`api_names`: the API's name of a column where it has another. `visible`: which rows a
    project sees that is not an administrator's; the name of its parameter is given to it."""

    def __init__(
        self,
        row: type[R],
        *,
        api_names: Mapping[str, str] | None = None,
        json: tuple[str, ...] = (),
        more: Mapping[str, Condition] | None = None,
        visible: Condition | None = None,
    ) -> None:
        c = columns(row)
        renamed = dict(api_names or {})
        plain = [column for column in row.sql_table.columns if column.name not in ("tags", *json)]
        named = {column.name: column for column in plain}
        self.wire: dict[str, tuple[str, type]] = {
            renamed.get(name, name): (name, column.type.python_type)
            for name, column in named.items()
        }
        """The API's name of each column → its own, and the type of its values, which arrive as
        text."""
        super().__init__(
            row,
            filters={
                **{name: one_of(column) for name, column in named.items()},
                **({"name_part": contains_folded(named["name"])} if "name" in named else {}),
                **(more or {}),
                "visible_to": visible or equals(c.project_id),
            },
            sort_keys=named,
            default_sort=(("id", "asc"),),
        )


def parameter(name: str) -> sa.BindParameter[Any]:
    """A parameter that takes several values."""
    return sa.bindparam(name, expanding=True)
