"""Charts of scenarios, hooks and guests: what a report can show, and what it must not trip over.

What a guest or a command prints is not ours: it is looked at before it is kept, and again before it
is shown, for files of results come from anywhere.
"""

from typing import Any

ROWS = 10_000
PLUGINS = frozenset({"StatsTable", "Lines", "StackedArea", "Pie", "Table", "TextArea"})


def fits(kind: str, chart: object) -> bool:
    """Whether a chart has the shape that its kind (additive, complete) and its plugin ask for."""
    if not isinstance(chart, dict) or not isinstance(chart.get("title"), str):
        return False
    plugin, data = chart.get("chart_plugin"), chart.get("data")
    if plugin not in PLUGINS:
        return False
    if plugin == "Table":
        return kind == "complete" and _table(data)
    if not isinstance(data, list) or len(data) > ROWS:
        return False
    if kind == "additive":
        return plugin != "TextArea" and all(_pair(row) for row in data)
    return plugin == "TextArea" or all(isinstance(r, list | tuple) and len(r) == 2 for r in data)


def _pair(row: Any) -> bool:
    """A name and a number."""
    if not isinstance(row, list | tuple) or len(row) != 2:
        return False
    value = row[1]
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _table(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    cols, rows = data.get("cols"), data.get("rows")
    return (
        isinstance(cols, list)
        and isinstance(rows, list)
        and len(rows) <= ROWS
        and all(isinstance(row, list | tuple) for row in rows)
    )
