"""An operator puts an old copy of the database in its place."""

from pathlib import Path


def put_copy_back(data_dir: Path, name: str) -> None:
    """`name`: of a copy that `keep_copy` made; no control plane runs meanwhile."""
    for rest in ("cumulo.db-wal", "cumulo.db-shm"):
        (data_dir / rest).unlink(missing_ok=True)
    (data_dir / f"cumulo.db.{name}").replace(data_dir / "cumulo.db")
