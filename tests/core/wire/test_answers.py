"""What an answer may be, by its declared type and the version."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from cumulo.core.wire.shapes import Before, Body, OpenBody, Since, Until, Version, answer_type


class Part(Body, kw_only=True):
    size: int
    unit: Annotated[str | UnsetType, Since("2.5")] = UNSET


class Thing(Body, kw_only=True):
    id: str
    parts: list[Part]
    old: Annotated[str | UnsetType, Until("2.3")] = UNSET
    flavor: Annotated[dict[str, int], Before("2.7", lambda value: "link")]
    above: "Thing | None" = None


class Free(OpenBody):
    id: str


GOOD: dict[str, Any] = {"id": "x", "parts": [{"size": 1}], "flavor": {"ram": 1}}


@pytest.mark.parametrize(
    ("version", "change", "fits"),
    [
        ("2.9", {}, True),
        ("2.9", {"unknown": 1}, False),
        ("2.9", {"id": None}, False),
        ("2.9", {"parts": [{"size": 1, "unit": "GB"}]}, True),
        ("2.4", {"parts": [{"size": 1, "unit": "GB"}]}, False),
        ("2.9", {"parts": [{"size": "1"}]}, False),
        ("2.9", {"old": "x"}, False),
        ("2.3", {"old": "x"}, True),
        ("2.9", {"flavor": "link"}, False),
        ("2.6", {"flavor": "link"}, True),
        ("2.9", {"above": GOOD}, True),
    ],
)
def test_what_fits(version: str, change: dict[str, Any], fits: bool) -> None:
    kind = answer_type(Thing, Version.parse(version))
    raw = msgspec.json.encode({**GOOD, **change})
    if fits:
        msgspec.json.decode(raw, type=kind)
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(raw, type=kind)


def test_open_bodies_and_containers() -> None:
    kind = answer_type(dict[str, list[Free]], None)
    msgspec.json.decode(b'{"a": [{"id": "x", "any": {"thing": 1}}]}', type=kind)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"a": [{"any": 1}]}', type=kind)
