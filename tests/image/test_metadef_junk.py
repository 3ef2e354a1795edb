"""Junk inside properties and objects, deeper than the junk of all operations goes."""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

from tests.support.cloud import running_cloud

ROOT = "/image/v2/metadefs/namespaces"
JUNK: tuple[Any, ...] = (
    None,
    "",
    "\x00",
    "é" * 300,
    -1,
    2**63,
    2**70,
    -(2**70),
    1e308,
    True,
    [],
    [None],
    [2**70],
    {},
    {"\x00": "x"},
    {"x": 2**70},
)
WORDS = (
    "title",
    "type",
    "name",
    "description",
    "operators",
    "default",
    "readonly",
    "required",
    "minimum",
    "maximum",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "items",
    "uniqueItems",
    "minItems",
    "additionalItems",
    "x",
)


def test_junk_in_properties(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            seen: set[int] = set()
            number = itertools.count()

            async def send(method: str, path: str, wish: dict[str, Any]) -> int:
                answer = await cloud.call(method, path, as_="admin", json_=wish)
                assert answer.status < 500, (path, wish, answer)
                seen.add(answer.status)
                return answer.status

            await send("POST", ROOT, {"namespace": "N"})
            for word, value in itertools.product(WORDS, JUNK):
                name = f"p{next(number)}"
                schema = {"title": "T", "type": "string", word: value}
                made = await send("POST", f"{ROOT}/N/properties", {"name": name, **schema})
                wish = {"name": name, "properties": {name: schema}}
                grouped = await send("POST", f"{ROOT}/N/objects", wish)
                assert word == "name" or grouped == made, (schema, made, grouped)
            for value in JUNK:
                for field in ("properties", "objects", "tags", "resource_type_associations"):
                    wish = {"namespace": f"N{next(number)}", field: value}
                    await send("POST", ROOT, wish)
                    await send("POST", ROOT, {**wish, field: [value]})
                    await send("POST", ROOT, {**wish, field: [{"name": value}]})
                    await send("POST", ROOT, {**wish, field: {"name": value}})
                await send("POST", f"{ROOT}/N/tags", {"tags": [{"name": value}]})
                await send("POST", ROOT, {"namespace": value})
                await send("PUT", f"{ROOT}/N", {"namespace": "N", "owner": value})
            assert seen == {200, 201, 400}
            # All that was taken can be read again.
            for path in ("", "/N", "/N/objects", "/N/properties", "/N/tags"):
                answer = await cloud.call("GET", ROOT + path, as_="admin")
                assert answer.status == 200, (path, answer)
                json.loads(answer.raw)

    asyncio.run(main())
