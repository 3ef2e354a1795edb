"""Files of stacks: kept once for a stack and all that are inside it."""

from typing import Annotated

from cumulo.core.db.rows import Key, References, Row, table


@table("orchestration_files")
class FilesRow(Row, frozen=True):
    """Files that came together. A stack and those inside it name them by their digest."""

    root_id: Annotated[str, Key(), References("orchestration_stacks.id", on_delete="CASCADE")]
    digest: Annotated[str, Key()]
    files: dict[str, str]
