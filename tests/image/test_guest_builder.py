"""The builder around build.sh, with a script that only pretends to build."""

from pathlib import Path

import pytest

from cumulo.image.guest import builder
from cumulo.image.guest.builder import BuildFailed, build_guest, built_guest, default_image

WORKS = """
echo "== packages" >&2
echo "noise" >&2
for name in guest.qcow2 vmlinuz initrd.img ramdisk.img; do echo "$name" >"$1/$name"; done
echo "$CACHE" >"$1/vmlinuz"
printf 'curl 7\\nbusybox 1\\n\\n5 guest.qcow2\\n' >"$1/manifest.txt"
echo "== done" >&2
"""


def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    path = tmp_path / "script.sh"
    path.write_text(text)
    monkeypatch.setattr(builder, "_SCRIPT", path)


def test_the_result_is_moved_into_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, tmp_path, WORKS)
    steps: list[str] = []
    built = build_guest(tmp_path / "out" / "g.qcow2", tmp_path / "cache", steps.append)
    assert steps == ["packages", "done"]
    assert built.path.read_text() == "guest.qcow2\n"
    assert (built.size, built.packages) == (12, ("curl 7", "busybox 1"))
    assert (tmp_path / "out" / "vmlinuz").read_text() == f"{tmp_path / 'cache'}\n"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        ("g.qcow2", "recipe", *builder.BESIDE)
    )
    assert built_guest(tmp_path / "out" / "g.qcow2") == built


def test_another_release_makes_another_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "out" / "g.qcow2"
    script(monkeypatch, tmp_path, WORKS)
    monkeypatch.setattr(builder, "recipe", lambda: "one")
    assert not builder.is_current(image)
    build_guest(image, tmp_path / "cache", print)
    assert builder.is_current(image)
    monkeypatch.setattr(builder, "recipe", lambda: "two")
    assert not builder.is_current(image)


def test_a_failure_says_why_and_leaves_the_old_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, tmp_path, WORKS)
    old = build_guest(tmp_path / "out" / "g.qcow2", tmp_path / "cache", print)
    script(
        monkeypatch, tmp_path, 'echo half >"$1/guest.qcow2"; echo "cannot download curl"; exit 1'
    )
    with pytest.raises(BuildFailed, match="cannot download curl"):
        build_guest(tmp_path / "out" / "g.qcow2", tmp_path / "cache", print)
    assert built_guest(tmp_path / "out" / "g.qcow2") == old


def test_an_image_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, tmp_path, WORKS)
    monkeypatch.setattr(builder, "SIZE_LIMIT", 4)
    with pytest.raises(BuildFailed, match="12 bytes, more than 4"):
        build_guest(tmp_path / "out" / "g.qcow2", tmp_path / "cache", print)
    assert built_guest(tmp_path / "out" / "g.qcow2") is None


def test_a_build_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, tmp_path, "sleep 60")
    monkeypatch.setattr(builder, "TIME_LIMIT", 0.1)
    with pytest.raises(BuildFailed, match="did not end"):
        build_guest(tmp_path / "out" / "g.qcow2", tmp_path / "cache", print)


def test_the_default_image_follows_the_cache_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert default_image() == Path("/var/cache/me/cumulo/guest/guest.qcow2")
