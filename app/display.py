"""Is there a screen, and can Qt use it? Asked before Qt starts, because Qt aborts the process when not."""

from __future__ import annotations

import ctypes
import os
import sys

_XCB_LIBRARIES = {
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
_BASIC_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}


def why_no_window() -> str:
    """A sentence saying why no window can be shown here; "" when one can.

    Only Linux and other X11/Wayland systems can lack a display; macOS and Windows always have one.
    """
    if sys.platform in ("darwin", "win32"):
        return ""
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    missing = missing_packages(with_x11=False)
    if missing:
        return f"Libraries of the window are missing; install them with: sudo apt install {' '.join(missing)}"
    if chosen.split(":")[0] in ("offscreen", "minimal", "vnc"):
        return ""  # somebody asked for a window without a screen
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    if not os.environ.get("DISPLAY"):
        return "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    missing = missing_packages(with_x11=True)
    if missing:
        return f"Libraries of the window are missing; install them with: sudo apt install {' '.join(missing)}"
    if not _x11_answers():
        return f"The display {os.environ['DISPLAY']} does not answer"
    return ""


def missing_packages(with_x11: bool) -> list[str]:
    """Debian packages whose libraries cannot be loaded."""
    wanted = _BASIC_LIBRARIES | (_XCB_LIBRARIES if with_x11 else {})
    return [package for library, package in wanted.items() if not _can_load(library)]


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _x11_answers() -> bool:
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    answers: bool = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return answers
