"""Where requests of users may go: addresses, redirects, names that change, limits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from cumulo.core.outbound.client import RequestFailed
from cumulo.core.outbound.guard import Filter, Guard, Limits, Refused
from tests.support.web import Asked, Web, web

OURS = ["127.0.0.0/8"]


def play(story: Callable[[Web], Awaitable[None]]) -> None:
    async def main() -> None:
        async with web() as server:
            await story(server)

    asyncio.run(main())


async def fetch(guard: Guard, url: str) -> bytes:
    async with await guard.get(url) as response:
        return b"".join([piece async for piece in guard.blocks(response)])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.5.5",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[2002:7f00:0001::]",
        "[64:ff9b::10.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
    ],
)
def test_inner_addresses_are_refused(host: str) -> None:
    with pytest.raises(Refused, match="outside world"):
        Guard().check_url(f"http://{host}/x")


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "[2606:4700::1111]"])
def test_outer_addresses_are_not(host: str) -> None:
    assert Guard().check_url(f"https://{host}/x").port == 443


@pytest.mark.parametrize(
    "url",
    ["ftp://a/b", "file:///etc/passwd", "http://u:p@a/", "http:///x", "http://a b/", "http://a:0/",
     "gopher://a", "", "http://a:99999/"],
)  # fmt: skip
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(Refused):
        Guard().check_url(url)


@pytest.mark.parametrize("name", ["inside.test", "127.1", "2130706433", "0x7f.1"])
def test_names_and_odd_numbers_are_judged_by_what_they_resolve_to(name: str) -> None:
    async def inside(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "127.0.0.1"]

    async def main() -> None:
        with pytest.raises(Refused, match=r"127\.0\.0\.1"):
            await Guard(resolver=inside).get(f"http://{name}/")

    asyncio.run(main())


def test_the_checked_address_is_the_one_that_is_connected_to() -> None:
    async def story(server: Web) -> None:
        answers = [["127.0.0.1"], ["127.0.0.2"]]

        async def changing(host: str, port: int) -> Sequence[str]:
            return answers.pop(0)

        guard = Guard(["127.0.0.1/32"], resolver=changing)
        assert await fetch(guard, f"http://changes.test:{server.port}/x") == b"hello"
        assert server.asked[0].headers["host"] == f"changes.test:{server.port}"
        with pytest.raises(Refused):
            await fetch(guard, f"http://changes.test:{server.port}/x")
        assert len(server.asked) == 1

    play(story)


def test_each_redirect_is_judged_again() -> None:
    async def story(server: Web) -> None:
        async def names(host: str, port: int) -> Sequence[str]:
            return {"good.test": ["127.0.0.1"], "bad.test": ["127.0.0.9"]}[host]

        def answer(asked: Asked) -> tuple[int, dict[str, str], bytes]:
            places = {
                "/relative": "/hello",
                "/inside": "http://169.254.169.254/latest",
                "/name": f"http://bad.test:{server.port}/",
                "/file": "file:///etc/passwd",
                "/circle": "/circle",
            }
            if asked.path in places:
                return 302, {"Location": places[asked.path]}, b""
            return 200, {}, b"end"

        server.answer = answer
        guard = Guard(["127.0.0.1/32"], resolver=names)
        base = f"http://good.test:{server.port}"
        assert await fetch(guard, f"{base}/relative") == b"end"
        for path in ("/inside", "/name", "/file"):
            with pytest.raises(Refused):
                await fetch(guard, base + path)
        with pytest.raises(Refused, match="redirects"):
            await fetch(guard, f"{base}/circle")

    play(story)


def test_secrets_do_not_follow_a_redirect_to_another_host() -> None:
    async def story(server: Web) -> None:
        async def names(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        there = f"http://two.test:{server.port}/end"
        server.answer = lambda asked: (
            (302, {"Location": there}, b"") if asked.path == "/" else (200, {}, b"x")
        )
        guard = Guard(OURS, resolver=names)
        url = f"http://one.test:{server.port}/"
        async with await guard.get(url, {"X-Auth-Token": "secret"}) as response:
            assert response.status == 200
        assert ["x-auth-token" in asked.headers for asked in server.asked] == [True, False]

    play(story)


def test_names_and_paths_beyond_ascii() -> None:
    async def story(server: Web) -> None:
        asked: list[str] = []

        async def names(host: str, port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"]

        guard = Guard(OURS, resolver=names)
        url = f"http://bücher.test:{server.port}/ü/%41?q=ä&x=[1]"
        assert await fetch(guard, url) == b"hello"
        assert asked == ["xn--bcher-kva.test"]
        assert server.asked[0].path == "/%C3%BC/%41?q=%C3%A4&x=[1]"
        assert server.asked[0].headers["host"] == f"xn--bcher-kva.test:{server.port}"
        for bad in ("http://ü" + "ü" * 80 + "/", "http://a..b/", "http://[::1/", "http://a:x/"):
            with pytest.raises(Refused):
                guard.check_url(bad)

    play(story)


def test_bodies_are_bounded() -> None:
    async def story(server: Web) -> None:
        server.answer = lambda asked: (200, {}, b"x" * 1000)
        with pytest.raises(Refused, match="bytes"):
            await fetch(Guard(OURS, limits=Limits(most_bytes=999)), server.url)
        server.answer = lambda asked: (
            200,
            {"Content-Length": "1000"},
            b"x" * 10,
        )
        with pytest.raises(RequestFailed, match=r"makes no sense|early"):
            await fetch(Guard(OURS), server.url)

    play(story)


def test_waiting_is_bounded() -> None:
    async def story(server: Web) -> None:
        server.pause = 1.0
        with pytest.raises(RequestFailed, match="within"):
            await fetch(Guard(OURS, limits=Limits(patience=0.2)), server.url)
        with pytest.raises(Refused, match="longer"):
            await fetch(Guard(OURS, limits=Limits(seconds=0.0)), server.url)

    play(story)


def test_the_operators_filter() -> None:
    guard = Guard(OURS, filter=Filter(allowed_ports=(80, 443), denied_hosts=("evil.test",)))
    assert guard.check_url("http://good.test/").host == "good.test"
    for url in ("http://good.test:8080/", "http://EVIL.test/"):
        with pytest.raises(Refused, match="not allowed"):
            guard.check_url(url)
    with pytest.raises(Refused, match="scheme"):
        Guard(filter=Filter(allowed_schemes=("https",))).check_url("http://good.test/")
