"""Reading what others may have written: JSON and PyTorch files, each with one kind of error for all that can be wrong.

A file must not run code, fill the memory with what it does not hold, or end in an error that nobody expects.
"""

from __future__ import annotations

import json
import math
import reprlib
from pathlib import Path
from typing import Any

_UNPACKED = 4
"""So many times its size may a PyTorch archive unpack to; `torch.save` does not compress at all."""

_short = reprlib.Repr()
_short.maxlevel, _short.maxstring, _short.maxother = 2, 60, 60


class UntrustedError(ValueError):
    """A file cannot be read, or is refused; the message is the reason, without the file's name."""


def parse_json(text: str | bytes) -> Any:
    """Read JSON.

    Raises:
        UntrustedError: it is none, or nested so deeply that reading it would end the program.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise UntrustedError("it is nested too deeply") from None
    except ValueError as error:
        raise UntrustedError(f"it is no JSON: {error}") from None


def read_json(path: Path, largest: int = 64 * 1024 * 1024) -> Any:
    """Read a JSON file of at most so many bytes.

    Raises:
        UntrustedError: it cannot be read, is larger, or no JSON.
    """
    try:
        if path.stat().st_size > largest:
            raise UntrustedError(f"it is far too large ({path.stat().st_size / 1e6:.0f} MB)")
        return parse_json(path.read_bytes())
    except OSError as error:
        raise UntrustedError(error.strerror or str(error)) from None


def is_like(value: Any, example: Any) -> bool:
    """Whether a value has the type of an example (a whole number may stand for a float) and is finite."""
    if isinstance(value, bool) or isinstance(example, bool):
        return type(value) is type(example)
    if isinstance(example, float) and isinstance(value, (int, float)):
        return abs(value) < 1e300 and math.isfinite(value)
    return type(value) is type(example) and (not isinstance(value, int) or abs(value) < 2**63)


def shown(value: Any) -> str:
    """A value in an error message: cut short, whatever it holds."""
    return _short.repr(value)


def load_tensors(path: Path) -> Any:
    """What `torch.save` wrote, on the processor; only tensors, numbers, texts and their containers.

    Raises:
        UntrustedError: it is damaged, holds more than that (loading it could run code), or unpacks to far more than
            it is.
    """
    import torch

    try:
        _refuse_bombs(path)
        data = torch.load(path, map_location="cpu", weights_only=True)
        _refuse_stretched(path, data)
        return data
    except UntrustedError:
        raise
    # Damaged archives raise errors of many kinds (pickle, zip, OSError, RuntimeError, those of the interpreter).
    except Exception as error:
        if "weights_only" in str(error) or "WeightsUnpickler" in str(error):
            raise UntrustedError(
                "it holds more than weights, or is damaged; loading it could run code, so it was refused"
            ) from error
        raise UntrustedError(f"it is damaged, or no PyTorch file ({type(error).__name__})") from error


def _refuse_bombs(path: Path) -> None:
    import zipfile

    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _UNPACKED * path.stat().st_size:
        raise UntrustedError(f"it would take {unpacked / 1e6:.0f} MB when unpacked, which no weights do")


def _refuse_stretched(path: Path, data: Any) -> None:
    """Refuse tensors that claim more numbers than lie in the file (by strides of 0)."""
    import torch

    waiting, numbers = [data], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, torch.Tensor):
            numbers += item.numel()
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, (list, tuple)):
            waiting += item
    if numbers > _UNPACKED * path.stat().st_size:
        raise UntrustedError(f"its tensors claim {numbers:,} numbers, more than the file can hold")
