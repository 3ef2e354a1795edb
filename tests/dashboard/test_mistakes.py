"""Panels with mistakes in them: what is wrong is said at its place, and takes nothing with it."""

import asyncio
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cumulo.core.panels import Action, Drawing, Layer, Panel, Part, Plot, Tab, column
from cumulo.core.resource_types import Request
from tests.dashboard.browser import signed_in, text_of
from tests.support.cloud import running_cloud

NAME = column("Name", "name", link=True)
NETWORKS = Request("GET", "/network/v2.0/networks")
GOOD = Panel("extra", "Of a package", "Network", NETWORKS, "networks", (NAME,))
MISTAKE = "there is a mistake in it"


def wrong(*given: Any) -> Any:
    raise TypeError("a mistake of the package's author")


def never() -> Any:
    raise ImportError("no module named xyz")


def package(monkeypatch: pytest.MonkeyPatch, **entries: Any) -> None:
    """Installs packages: name → what gives the panels."""
    made = [SimpleNamespace(load=load, value=name) for name, load in entries.items()]
    monkeypatch.setattr(metadata, "entry_points", lambda group: made)


def test_a_package_that_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(
        monkeypatch,
        absent=never,
        single=lambda: GOOD,
        number=lambda: (replace(GOOD, name="seven", title=7),),  # type: ignore[arg-type]
        ours=lambda: (replace(GOOD, name="servers", title="Not ours"),),
        hidden=lambda: (replace(GOOD, name="log"),),
        # What its list calls is a stream, no list.
        stream=lambda: (replace(GOOD, name="streamed", items=Request("GET", "/dashboard/events")),),
        good=lambda: (GOOD,),
    )

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await signed_in(cloud)
            page = await mine.get("/servers")
            assert page.status == 200 and "Of a package" in text_of(page)
            assert "Not ours" not in text_of(page)
            assert (await mine.get("/streamed")).status == 404
            assert "cannot be shown" not in text_of(await mine.get("/"))
            # Operators are told.
            told = text_of(await (await signed_in(cloud, "admin")).get("/"))
            for name in ("absent", "single", "number", "ours", "hidden"):
                assert f"The panels of {name} cannot be shown" in told

    asyncio.run(run())


def test_mistakes_within_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detail = "/network/v2.0/networks/{}".format
    good = Part(
        "good", "Subnets", lambda i, p: Request("GET", "/network/v2.0/subnets"), "subnets", ()
    )
    bad = replace(
        GOOD,
        name="bad",
        detail=lambda id: Request("GET", detail(id)),
        detail_key="network",
        lines=(NAME,),
        parts=(
            good,
            replace(good, name="a", title="First", items=wrong),
            replace(good, name="b", title="Second", rows=wrong),
            replace(good, name="c", title="Third", allowed=wrong),
            replace(good, name="d", title="Fourth", edges=wrong),
        ),
        tabs=(Tab("text", "Text", lambda i: NETWORKS, wrong), Tab("t", "T", wrong, str)),
        plots=(Plot("curve", "Curve", lambda i: NETWORKS, wrong),),
    )
    lost = replace(GOOD, name="lost", rows=wrong)
    away = Action(
        "away", "Away with it", lambda i, f: Request("DELETE", detail(i["id"])), bulk=True
    )
    aimed = replace(GOOD, name="aimed", actions=(away,), target=wrong)
    package(monkeypatch, one=lambda: (bad, lost, aimed), two=lambda: (GOOD,))

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await signed_in(cloud)
            page = await mine.get("/lost")
            assert page.status == 200 and MISTAKE in text_of(page)
            network = await cloud.private_network()
            page = await mine.get("/aimed")
            assert page.status == 200 and "Away with it" in text_of(page)
            page = await mine.get(f"/bad/{network}")
            text = text_of(page)
            assert page.status == 200 and "Subnets" in text and "Third" not in text
            assert text.count(MISTAKE) == 2, text
            for tab in ("text", "t"):
                shown = await mine.get(f"/bad/{network}/tab/{tab}")
                assert shown.status == 200 and MISTAKE in text_of(shown)
            assert (await mine.get(f"/bad/{network}/tab/metrics")).status == 200
            # What others bring is found all the same.
            found = text_of(await mine.get("/search?q=private"))
            assert "Of a package" in found and "private" in found

    asyncio.run(run())


def test_a_drawing_with_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cumulo.network import panels

    layers = {"networks": Layer("networks", NETWORKS, "networks", note=wrong)}
    drawing = Drawing("broken", "Broken", "Network", "", layers, {}, wrong)
    monkeypatch.setattr(panels, "DRAWINGS", (*panels.DRAWINGS, drawing))

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await signed_in(cloud)
            page = await mine.get("/map/broken")
            assert page.status == 200 and MISTAKE in text_of(page)
            assert (await mine.get("/map/topology")).status == 200

    asyncio.run(run())
