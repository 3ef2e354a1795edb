"""Queries of stacks' files."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.orchestration.model.files import FilesRow
from cumulo.orchestration.model.stack import StackRow

_f, _s = columns(FilesRow), columns(StackRow)

FORGET_UNUSED = statement(
    sa.delete(FilesRow.sql_table).where(
        _f.root_id == sa.bindparam("root"),
        _f.digest.not_in(
            sa.select(_s.files_digest).where(_s.root_id == sa.bindparam("of", type_=sa.Text()))
        ),
    )
)
