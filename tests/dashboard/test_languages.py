"""Texts: every catalogue has each of them, with the same values in it, and pages use them."""

import asyncio
import re
from pathlib import Path

import pytest

from cumulo import order
from cumulo.dashboard.locale.languages import FOLDER, LANGUAGES, best, parse, words_in
from cumulo.dashboard.locale.texts import catalogue, texts
from tests.dashboard.browser import DOOR, Browser, signed_in, text_of
from tests.support.cloud import running_cloud

OTHERS = [each for each in LANGUAGES if each != "en"]
WANTED = texts(order.services())
_VALUE = re.compile(r"{\w+}")


@pytest.mark.parametrize("language", OTHERS)
def test_no_catalogue_lacks_a_text(language: str) -> None:
    known = parse((FOLDER / f"{language}.po").read_text("utf-8"))
    assert [text for text in WANTED if not known.get(text)] == []
    assert sorted(set(known) - set(WANTED)) == []
    for text, translated in known.items():
        assert sorted(_VALUE.findall(text)) == sorted(_VALUE.findall(translated)), text


def test_texts_are_found_where_they_are() -> None:
    # Of a template, of a call, of a panel's title, a field's help, a choice.
    for text in (
        "There is nothing here yet.",
        "Servers take {what} from {who} ({ethertype}).",
        "Security groups",
        "One name=value a line.",
        "Apart, if that can be",
        "The name, the password or the project is not right.",
    ):
        assert text in WANTED
    made = catalogue({'a\n"b"': "c"}, ['a\n"b"', "d"], "xx")
    assert parse(made) == {'a\n"b"': "c"}


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "", "de"),
        ("xx,ja;q=0.3,fr;q=0.7", "", "fr"),
        ("de", "es", "es"),
        ("de", "../../etc/passwd", "de"),
        ("", "", "en"),
        ("zh-Hans-CN;q=x, *", "", "en"),
        ("," * 2000, "", "en"),
    ],
)
def test_the_best_language(accepted: str, chosen: str, language: str) -> None:
    assert best(accepted, chosen) == language


def test_pages_speak_the_language(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            door = Browser(cloud, language="de,en;q=0.1")
            assert "Anmelden" in text_of(await door.get(DOOR))
            assert "ログイン" in text_of(await door.get(f"{DOOR}?language=ja&next=/dashboard/x"))
            assert "ログイン" in text_of(await door.get(DOOR))
            mine = await signed_in(cloud)
            mine.language = "fr"
            page = await mine.get("/servers")
            assert '<html lang="fr"' in page.raw.decode() and "Serveurs" in text_of(page)
            form = {"language": "ja", "theme": "dark", "next": "/dashboard/servers"}
            answer = await mine.post("/auth/look", form)
            assert answer.headers["location"] == "/dashboard/servers"
            page = await mine.get("/servers")
            assert "サーバー" in text_of(page) and 'data-theme="dark"' in page.raw.decode()
            # What is wrong with a form is said in it, too.
            answer = await mine.post("/volumes/new/create", {"name": "", "size": "1"})
            assert "名前がありません。" in text_of(answer)
            group = text_of(await mine.get("/securitygroups"))
            assert words_in("ja")("Security groups") in group

    asyncio.run(run())
