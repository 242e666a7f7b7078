"""What every test needs: no real screen, no network, no private files, one thread a worker."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# All of this has to be in the environment before Qt or torch is imported.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers that each start a thread per core only get in each other's way.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MKL_NUM_THREADS"] = "1"

_home = Path(tempfile.mkdtemp(prefix="lewm-tests-"))
for _variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    # Settings and sessions of the studio go by these; a test must neither read nor change real ones.
    os.environ[_variable] = str(_home / _variable.lower())
# Its font list takes seconds to make; keep it from one run to the next.
os.environ.setdefault(
    "MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / f"lewm-tests-matplotlib-{os.getuid()}")
)


def pytest_unconfigure() -> None:
    import shutil

    shutil.rmtree(_home, ignore_errors=True)
