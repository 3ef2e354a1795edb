"""Every YAML story below this folder, each on both engines against a cloud of its own."""

from pathlib import Path

import pytest

from tests.support.wire import play, stories

HERE = Path(__file__).parent


@pytest.mark.parametrize("story", stories(HERE), ids=lambda p: str(p.relative_to(HERE)))
def test_story(story: Path, tmp_path: Path, database_url: str) -> None:
    play(story, tmp_path, database_url)
