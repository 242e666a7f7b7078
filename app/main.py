"""`lewm-studio`: the window, or the same main job without one where there is no display.

Nothing heavy is imported here at the top: the engine process imports this module again when it starts.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.paths import Places


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    checkpoint: str | None = None
    clip: str | None = None
    text: str | None = None
    screenshot: str | None = None
    fresh: bool = False
    out: str = "studio-output"
    size: tuple[int, int] | None = None
    theme: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studio; returns the exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    problem = _first_missing_file(options)
    if problem:
        print(f"lewm-studio: {problem}", file=sys.stderr)
        return 2
    from app.display import why_no_window

    reason = why_no_window()
    if reason:
        print(f"lewm-studio: {reason}. Working without a window.", file=sys.stderr)
        from app.headless import run_headless

        return run_headless(options)
    return run_window(options)


def parse(arguments: Sequence[str]) -> Options:
    """Options from the command line; exits with status 2 on a wrong one."""
    parser = argparse.ArgumentParser(prog="lewm-studio", description="Type text, hear it, see where quality is lost.")
    parser.add_argument("--checkpoint", metavar="FILE", help="load this checkpoint instead of the last one")
    parser.add_argument("--clip", metavar="FILE", help="open this recording (a .txt beside it is its transcript)")
    parser.add_argument("--text", help="put this text into the text box and speak it")
    parser.add_argument("--screenshot", metavar="FILE", help="save a picture of the window when all is done, and quit")
    parser.add_argument(
        "--fresh", action="store_true", help="start with defaults; the saved session is neither read nor changed"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", default=Options.out, help="where a run without a display writes its files"
    )
    parser.add_argument("--size", metavar="WxH", type=_size, help="size of the window in pixels, such as 1600x1000")
    parser.add_argument("--theme", choices=("dark", "light", "system"), help="look of the window")
    return Options(**vars(parser.parse_args(arguments)))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1600x1000")
    return int(width), int(height)


def _first_missing_file(options: Options) -> str:
    for option, name in (("--checkpoint", options.checkpoint), ("--clip", options.clip)):
        if name and not Path(name).is_file():
            return f"there is no file {name} ({option}). Check the name and the folder."
    return ""


def run_window(options: Options, folder: Path | None = None) -> int:
    """Show the window and run until it is closed; with `folder`, do the main job into it and end."""
    import tempfile

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app import collection
    from app.paths import Places, usual_places
    from app.studio import Studio

    collection.pause()
    application = QApplication(["lewm-studio"])
    application.setApplicationName("lewm-studio")
    application.setApplicationDisplayName("LeWM Studio")
    application.setDesktopFileName("lewm-studio")
    with tempfile.TemporaryDirectory(prefix="lewm-studio-") as scratch:
        places = Places(Path(scratch)) if options.fresh else usual_places()
        _log_to(places)
        studio = Studio(places, fresh=options.fresh)
        studio.player.is_silent = folder is not None
        studio.apply_options(options.checkpoint, options.clip, options.text)
        studio.settings.theme = options.theme or studio.settings.theme
        studio.start_engine()
        # Imported only now: the engine process starts meanwhile.
        from app.main_window import MainWindow
        from app.robot import Robot

        window = MainWindow(studio)
        if options.size is not None:
            window.resize(*options.size)
        sys.excepthook = studio.report_fault
        robot = Robot(studio, window, options, folder)
        robot.quit_wanted.connect(window.close)
        window.show()
        with _closing_on_interrupt(window.close):
            QTimer.singleShot(0, studio.start)
            QTimer.singleShot(0, collection.resume)
            application.exec()
        window.close()  # does nothing unless the application was ended from outside
        logging.shutdown()
    if folder is not None or options.screenshot:
        for sentence in robot.problems:
            print(f"lewm-studio: {sentence}", file=sys.stderr)
        for path in robot.files:
            print(path)
    return robot.status


@contextlib.contextmanager
def _closing_on_interrupt(close: Callable[[], object]) -> Iterator[None]:
    """Ctrl+C in the terminal (and SIGTERM) close the window properly: saved, and without an orphan."""
    import signal

    from PySide6.QtCore import QTimer

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: close())
    timer = QTimer()  # lets Python look for signals while Qt sleeps
    timer.start(250)
    timer.timeout.connect(lambda: None)
    try:
        yield
    finally:
        timer.stop()


def _log_to(places: Places) -> None:
    from logging.handlers import RotatingFileHandler

    try:
        places.folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(places.log, maxBytes=500_000, backupCount=1, encoding="utf-8")
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("app").setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
