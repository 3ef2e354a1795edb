"""Bodies that change with the microversion."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import (
    Before,
    Body,
    Since,
    StrictBody,
    Unset,
    Until,
    Version,
    lift,
    request_type,
    trim,
)
from cumulo.core.wire.wording import refuse


class Disk(StrictBody):
    size: int
    tag: Annotated[str | Unset, Since("2.32")] = UNSET


class New(StrictBody):
    name: str
    old: Annotated[str, Until("2.10")] = "default"
    renamed: Annotated[str | None, Since("2.19")] = msgspec.field(name="re:named", default=None)
    disks: list[Disk] = []


class Flavor(Body):
    vcpus: int


class Shown(Body):
    id: str
    flavor: Annotated[Flavor | dict[str, int], Before("2.47", lambda f: {"old": f.vcpus})]
    added: Annotated[str | Unset, Since("2.50")] = UNSET
    gone: Annotated[str | Unset, Until("2.60")] = UNSET
    inner: list["Shown"] = []


def decode(version: str, text: str) -> New:
    shape = request_type(New, Version.parse(version))
    return lift(msgspec.json.decode(text, type=shape), New)


class TestRequests:
    def test_each_version_takes_its_own_fields(self) -> None:
        assert decode("2.1", '{"name": "a", "old": "x"}') == New(name="a", old="x")
        assert decode("2.19", '{"name": "a", "re:named": "x"}') == New(name="a", renamed="x")
        assert decode("2.32", '{"name": "a", "disks": [{"size": 1, "tag": "t"}]}').disks == [
            Disk(size=1, tag="t")
        ]

    @pytest.mark.parametrize(
        ("version", "text"),
        [
            ("2.11", '{"name": "a", "old": "x"}'),
            ("2.18", '{"name": "a", "re:named": "x"}'),
            ("2.31", '{"name": "a", "disks": [{"size": 1, "tag": "t"}]}'),
            ("2.31", '{"name": "a", "unknown": 1}'),
            ("2.31", "{}"),
        ],
    )
    def test_and_refuses_the_others(self, version: str, text: str) -> None:
        with pytest.raises(msgspec.ValidationError):
            decode(version, text)

    def test_versions_without_a_change_between_them_share_a_type(self) -> None:
        first, second = Version(2, 20), Version(2, 31)
        assert request_type(New, first) is request_type(New, second)
        assert request_type(New, first) is not request_type(New, Version(2, 32))


class TestResponses:
    def shown(self, version: str) -> Any:
        inner = Shown(id="2", flavor=Flavor(vcpus=2), added="y", gone="z")
        body = {"server": Shown(id="1", flavor=Flavor(vcpus=1), added="a", gone="g", inner=[inner])}
        trim(body, Version.parse(version))
        return msgspec.json.decode(msgspec.json.encode(body))["server"]

    def test_old(self) -> None:
        assert self.shown("2.46") == {
            "id": "1",
            "flavor": {"old": 1},
            "gone": "g",
            "inner": [{"id": "2", "flavor": {"old": 2}, "gone": "z", "inner": []}],
        }

    def test_new(self) -> None:
        found = self.shown("2.61")
        assert found["flavor"] == {"vcpus": 1}
        assert found["added"] == "a"
        assert "gone" not in found and "gone" not in found["inner"][0]


class TestVersion:
    @given(st.text(max_size=8))
    def test_only_major_dot_minor(self, text: str) -> None:
        try:
            version = Version.parse(text)
        except ValueError:
            return
        assert str(version).encode() and int(text.split(".")[0]) == version.major

    @pytest.mark.parametrize("text", ["", "2", "2.", ".1", "2.01", "02.1", "2.1.1", "a.b", "2.-1"])
    def test_nonsense(self, text: str) -> None:
        with pytest.raises(ValueError):
            Version.parse(text)


class TestWording:
    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b'{"name": 1}', "Invalid input for field/attribute name. Value: 1."),
            (b'{"name": "a", "x": 1}', "Additional properties are not allowed ('x'"),
            (b"{}", "'name' is a required property"),
            (b"{", "Malformed request body"),
        ],
    )
    def test_as_the_services_say_it(self, raw: bytes, said: str) -> None:
        with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)) as error:
            msgspec.json.decode(raw, type=New)
        assert said in refuse(error.value, raw).message

    def test_secrets_are_not_repeated(self) -> None:
        class Login(StrictBody):
            password: str

        with pytest.raises(msgspec.ValidationError) as error:
            msgspec.json.decode(b'{"password": 12345}', type=Login)
        assert "12345" not in refuse(error.value, b'{"password": 12345}').message


class TestCoercions:
    @pytest.mark.parametrize("value", [True, "true", "True", "1", 1, "yes", "on"])
    def test_true(self, value: Any) -> None:
        assert as_bool(value, "x") is True

    @pytest.mark.parametrize("value", [False, "false", "0", 0, "no", "off"])
    def test_false(self, value: Any) -> None:
        assert as_bool(value, "x") is False

    @pytest.mark.parametrize("value", ["", "maybe", 2])
    def test_neither(self, value: Any) -> None:
        with pytest.raises(BadRequest):
            as_bool(value, "x")

    def test_whole_numbers_within_bounds(self) -> None:
        assert as_int("7", "x", minimum=1, maximum=7) == 7
        for bad in ("8", "0", "a", "1.5", ""):
            with pytest.raises(BadRequest):
                as_int(bad, "x", minimum=1, maximum=7)
