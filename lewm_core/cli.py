"""The ``lewm`` command: its parser, its exit codes, its errors.

Each command is a module of ``lewm_core.commands`` with ``HELP``, ``add_arguments(parser)`` and
``run(arguments) -> int``. A module dropped into that folder is a command; it must import nothing heavy at the
top, so that ``lewm --help`` answers at once.

Exit codes: 0 done, 2 bad input (the message says what to change), 1 a failure, 130 interrupted by Ctrl+C.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import importlib
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from lewm_core import commands

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
_FIRST = ("say", "compare", "info", "bench")
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (argparse itself exits with 2 on a wrong flag)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parser = build_parser()
        if not given:
            parser.print_help(sys.stderr)
            parser.exit(BAD_INPUT)
        parsed = parser.parse_args(given)
        code: int = parsed.run(parsed)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("\nlewm: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (lewm info | head); Python must not complain while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _report(error)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = _Parser(
        prog="lewm", allow_abbrev=False,
        description="LeWM-TTS on the command line. Each command has --help of its own.",
        epilog='Begin with: lewm say "Hello there."',
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"lewm {_version()}")
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser
    )
    for name in command_names():
        module = importlib.import_module(f"lewm_core.commands.{name}")
        command = subparsers.add_parser(
            name.replace("_", "-"), help=module.HELP, description=module.__doc__, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says what was probably meant by a command that there is not."""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)'", message)
        names = [name.replace("_", "-") for name in command_names()]
        near = difflib.get_close_matches(wrong[1], names, n=1) if wrong else []
        if wrong:
            hint = f"Did you mean {near[0]!r}? " if near else ""
            message = f"there is no command {wrong[1]!r}. {hint}`lewm --help` lists them all."
        super().error(message)


def command_names() -> list[str]:
    """Modules of ``lewm_core.commands`` that are commands, those that people use most first."""
    found = [
        module.name for module in pkgutil.iter_modules(commands.__path__) if not module.name.startswith("_")
    ]
    return [name for name in _FIRST if name in found] + [name for name in found if name not in _FIRST]


def _report(error: Exception) -> int:
    """Say what went wrong on standard error, in one line; the traceback only where someone asked for it."""
    if os.environ.get("LEWM_TRACEBACK"):
        traceback.print_exception(error)
    if is_bad_input(error):
        print(f"lewm: {error}", file=sys.stderr)
        return BAD_INPUT
    if type(error).__module__.startswith("lewm_core"):
        print(f"lewm: {error}", file=sys.stderr)
    elif said := _system_said(error):
        print(f"lewm: {said}", file=sys.stderr)
    else:
        hint = "" if os.environ.get("LEWM_TRACEBACK") else " (LEWM_TRACEBACK=1 shows where)"
        print(f"lewm: failed: {type(error).__name__}: {error}{hint}", file=sys.stderr)
    return FAILED


def _system_said(error: Exception) -> str:
    """In words what to do about a full or read-only disk and the like; "" for all that is not of this kind."""
    if not isinstance(error, OSError) or error.errno not in _OF_THE_DISK:
        return ""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}. Make room, or choose another folder, and give the same command again."


def is_bad_input(error: Exception) -> bool:
    """Whether the person can cure it: our own errors about values (TextError, AudioError, CheckpointError...)."""
    return isinstance(error, ValueError) and type(error).__module__.startswith("lewm_core")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lewm-studio")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
