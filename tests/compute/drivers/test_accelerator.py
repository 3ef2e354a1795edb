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
