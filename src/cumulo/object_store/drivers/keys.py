"""The key of encryption at rest, in a file that is its owner's alone."""

import os
from pathlib import Path

from cumulo.object_store.model.ciphers import KEY_BYTES


def kept_key(path: Path, *, make: bool) -> bytes | None:
    """The key in this file; with `make` a new one where there is none. Raises OSError for half a
    key: what was written with the whole one could not be read."""
    if not path.exists():
        if not make:
            return None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(os.urandom(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
    found = bytes.fromhex(path.read_text().strip())
    if len(found) != KEY_BYTES:
        raise OSError(22, f"{path} is no key of {KEY_BYTES} bytes")
    return found
