"""Drawings as numbers, which templates put into SVG: curves, rings, the plan of the networks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 640.0, 160.0
AROUND = 2 * math.pi * 34
DEEPEST = 30


@dataclass(frozen=True)
class Curve:
    """`line`: the points of a polyline in a box of WIDTH by HEIGHT."""

    line: str
    low: float
    high: float
    first: str
    last: str
    now: float


def curve(points: Sequence[tuple[str, float]], most: int = 400) -> Curve:
    """Of at least two points; thinned out to what can be seen."""
    step = max(1, len(points) // most)
    seen = [*points[::step]]
    values = [value for _, value in seen]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    across, up = WIDTH / max(1, len(seen) - 1), (HEIGHT - 16) / span
    places = (
        f"{across * i:.1f},{HEIGHT - 8 - up * (v - low):.1f}" for i, (_, v) in enumerate(seen)
    )
    return Curve(" ".join(places), low, high, points[0][0], points[-1][0], points[-1][1])


@dataclass(frozen=True)
class Ring:
    """How much of a quota is used."""

    title: str
    used: float
    most: float
    """-1: as much as one likes."""
    unit: str = ""

    @property
    def share(self) -> float:
        if self.most <= 0:
            return 1.0 if self.most == 0 and self.used else 0.0
        return max(0.0, min(1.0, self.used / self.most))

    @property
    def dash(self) -> str:
        return f"{AROUND * self.share:.1f} {AROUND:.1f}"

    @property
    def word(self) -> str:
        return "bad" if self.share >= 0.95 else "busy" if self.share >= 0.8 else "good"


@dataclass
class Node:
    """One thing in the plan."""

    panel: str
    id: str
    label: str
    status: str
    note: str = ""
    column: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass
class Plan:
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of ids."""
    width: float = 0.0
    height: float = 0.0
    lines: list[str] = field(default_factory=list)
    """Paths of SVG."""


BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW = 180.0, 48.0, 244.0, 64.0


def in_depth(plan: Plan) -> Plan:
    """What needs nothing on the left, what needs it to the right of it. Circles stay where they
    are met."""
    needs: dict[str, list[str]] = {}
    for first, second in plan.edges:
        needs.setdefault(second, []).append(first)
    depth: dict[str, int] = {}

    def of(id: str, above: frozenset[str]) -> int:
        if id not in depth:
            deeper = [of(n, above | {id}) for n in needs.get(id, ()) if n not in above | {id}]
            depth[id] = min(1 + max(deeper, default=-1), DEEPEST)
        return depth[id]

    for node in plan.nodes:
        node.column = of(node.id, frozenset())
    return laid_out(plan)


def laid_out(plan: Plan) -> Plan:
    """Columns from the outside in; in each the things near those that they hang together with."""
    place: Mapping[str, Node] = {node.id: node for node in plan.nodes}
    near: dict[str, list[str]] = {}
    for left, right in plan.edges:
        if left in place and right in place:
            near.setdefault(left, []).append(right)
            near.setdefault(right, []).append(left)
    columns: dict[int, list[Node]] = {}
    for node in plan.nodes:
        columns.setdefault(node.column, []).append(node)
    rank: dict[str, float] = {}
    for number in sorted(columns):
        nodes = columns[number]
        nodes.sort(key=lambda node: (_middle(node, near, rank), node.label))
        for row, node in enumerate(nodes):
            rank[node.id] = row
            node.x, node.y = 12 + number * COLUMN, 12 + row * ROW
    rows = max((len(nodes) for nodes in columns.values()), default=0)
    plan.width = 24 + max(columns, default=0) * COLUMN + BOX_WIDTH
    plan.height = 24 + max(1, rows) * ROW
    for left, right in plan.edges:
        if left in place and right in place:
            plan.lines.append(_line(place[left], place[right]))
    return plan


def _middle(node: Node, near: Mapping[str, list[str]], rank: Mapping[str, float]) -> float:
    places = [rank[other] for other in near.get(node.id, ()) if other in rank]
    return sum(places) / len(places) if places else 1e6


def _line(one: Node, other: Node) -> str:
    left, right = (one, other) if one.x <= other.x else (other, one)
    x1, y1 = left.x + BOX_WIDTH, left.y + BOX_HEIGHT / 2
    x2, y2 = right.x, right.y + BOX_HEIGHT / 2
    middle = (x1 + x2) / 2
    return f"M{x1:.0f} {y1:.0f} C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
