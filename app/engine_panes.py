"""What the panes show besides mels, made with `lewm_core.analysis`; runs in the engine process only."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from app.engine_messages import Step
from app.messages_panes import AlignPanes, PanesAligned


def align_panes(request: AlignPanes) -> Generator[Step, None, PanesAligned]:
    """Find which frame of the free run belongs to which of the ground truth; raises AnalysisError."""
    yield Step(0.1, "Aligning")
    from lewm_core.analysis.alignment import align, warped_to_reference

    path = align(request.truth, request.free, request.frame_rate)
    yield Step(0.9, "Aligning")
    warped = np.asarray(warped_to_reference(request.free, path), np.float32)
    return PanesAligned(path.reference, path.other, path.cost, warped)
