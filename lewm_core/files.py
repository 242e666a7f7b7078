"""Writing files so that a failure leaves the old file, or none, but never half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


class WriteError(OSError):
    """A file could not be written; the message says which, why, and what to do."""


def write_atomically(path: Path | str, data: bytes) -> Path:
    """Write ``data`` to a temporary file beside ``path``, then move it there in one step.

    The folder is created when it is missing.

    Raises:
        WriteError: folder read-only, disk full, path is a folder and the like; nothing is left behind.
    """
    path = Path(path)
    temporary = path.with_name(f".lewm-{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(
            f"Cannot write {path}: {reason}. Choose another folder, or make room, and try again."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path
