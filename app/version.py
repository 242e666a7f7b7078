"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """Version of lewm-studio, or "(not installed)" when it runs from a bare checkout."""
    try:
        return installed_version("lewm-studio")
    except PackageNotFoundError:
        return "(not installed)"
