"""Python's garbage collection kept out of the start: nearly everything that is made then stays."""

from __future__ import annotations

import gc


def pause() -> None:
    """No collection from now on: modules and widgets come into being, and there is nothing to be found."""
    gc.disable()


def resume() -> None:
    """Collect again, but never look through what the start has made: that would hold up the event loop."""
    gc.freeze()
    gc.enable()
