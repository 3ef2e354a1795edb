from pathlib import Path

import pytest

from cumulo.core.run import accelerator
from cumulo.core.run.accelerator import TCG, Accelerator


@pytest.mark.guest
def test_the_canary_comes_back_under_emulation() -> None:
    assert accelerator.boots("qemu-system-x86_64", TCG)
    assert not accelerator.boots("/bin/false", TCG)


def test_the_answer_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def probe(binary: str, wanted: str) -> Accelerator:
        asked.append(wanted)
        return Accelerator("kvm", 104)

    monkeypatch.setattr(accelerator, "probe", probe)
    cache = tmp_path / "accelerator.json"
    first = accelerator.remembered("/bin/true", cache)
    assert accelerator.remembered("/bin/true", cache) == first == Accelerator("kvm", 104)
    assert asked == ["auto"]
    cache.write_text("broken")
    assert accelerator.remembered("/bin/true", cache) == first
    accelerator.remembered("/bin/true", cache, "tcg")
    assert asked == ["auto", "auto", "tcg"]


def test_what_root_alone_may_open_is_for_no_guest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(accelerator, "DEVICE", device)
    monkeypatch.setattr(accelerator, "boots", lambda binary, wanted: True)
    found = []
    for mode in (0o600, 0o660, 0o666):
        device.chmod(mode)
        found.append(accelerator.probe("/bin/true"))
    group = device.stat().st_gid
    assert found == [TCG, Accelerator("kvm", group), Accelerator("kvm", None)]
