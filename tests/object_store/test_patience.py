"""Answers whose work takes longer than clients wait."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cumulo.core.http.operations import Reply
from cumulo.object_store.api import patience
from cumulo.object_store.api.patience import patient
from cumulo.object_store.api.s3.documents import HEAD, document, parsed
from cumulo.object_store.model.faults import BadInput, Changed, StoreFault


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "EVERY", 0.02)


def failed(fault: StoreFault) -> bytes:
    return f"<Error>{fault.kind}</Error>".encode()


async def body(reply: Reply) -> bytes:
    assert reply.stream is not None
    return b"".join([piece async for piece in reply.stream])


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_blanks_come_until_the_work_is_done(seconds: float) -> None:
    async def work() -> Reply:
        await asyncio.sleep(seconds)
        return document("CopyObjectResult", "<ETag>x</ETag>", headers={"x": "y"})

    async def main() -> None:
        reply = await patient(work(), "application/xml", failed, head=HEAD.encode())
        if not seconds:
            assert reply.headers["x"] == "y" and reply.stream is None
            return
        found = await body(reply)
        assert found.startswith(HEAD.encode()) and found.count(b" " * 2) >= 1
        assert ET.fromstring(found).tag.endswith("CopyObjectResult")

    asyncio.run(main())


def test_a_refusal_is_at_the_end_or_at_once() -> None:
    async def work(seconds: float) -> Reply:
        await asyncio.sleep(seconds)
        raise Changed()

    async def main() -> None:
        with pytest.raises(Changed):
            await patient(work(0.0), "x", failed)
        reply = await patient(work(0.1), "x", failed)
        assert reply.status == 200
        assert (await body(reply)).strip() == b"<Error>OperationAborted</Error>"
        begun = await patient(work(0.0), "x", failed, status=202, at_once=True)
        assert begun.status == 202 and b"OperationAborted" in await body(begun)

    asyncio.run(main())


def test_who_goes_away_ends_the_work() -> None:
    ended: list[str] = []

    async def work() -> Reply:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("yes")
        raise AssertionError

    async def main() -> None:
        reply = await patient(work(), "x", failed)
        stream: AsyncIterator[Any] = reply.stream  # type: ignore[assignment]
        assert await anext(stream) == b" "
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        assert ended == ["yes"]
        waiting = asyncio.ensure_future(patient(work(), "x", failed))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        await asyncio.sleep(0)
        assert ended == ["yes", "yes"]

    asyncio.run(main())


DOCTYPE = '<?xml version="1.0" encoding="{}"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-7", "cp037"])
def test_entities_hide_in_no_encoding(encoding: str) -> None:
    with pytest.raises(BadInput):
        parsed(DOCTYPE.format(encoding).encode(encoding))


def test_a_document_may_begin_with_a_mark() -> None:
    node = parsed("\ufeff<a>é</a>".encode())
    assert node is not None and node.text == "é"
