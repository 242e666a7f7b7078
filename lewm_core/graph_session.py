"""Graphs ready to run: ONNX Runtime on the processor, without torch.

t rows of a sequence   c channels
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lewm_core.graphs.builder import FlowRows


def open_session(data: bytes, threads: int = 1) -> Any:
    """Make a graph ready to run (an ``onnxruntime.InferenceSession``).

    Args:
        threads: that share one operator.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # A thread that waits by spinning takes the processor away from the window and from training.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class FlowSession:
    """A graph over a sequence that comes in pieces; ``begin`` starts a sequence.

    Args:
        data, flow: of a graph with one input besides those of its ``Flow``, and one output besides them.
        source, result: their names.
    """

    def __init__(self, data: bytes, flow: FlowRows, source: str, result: str, threads: int = 1) -> None:
        self._session = open_session(data, threads)
        self._source = source
        self.channels = int(next(i.shape[1] for i in self._session.get_inputs() if i.name == source))
        """Of the rows that it reads."""
        self._begin = {name: np.zeros((rows, channels), np.float32) for name, rows, channels in flow.states}
        self._middle = {name: np.zeros((0, channels), np.float32) for name, _, channels in flow.tails}
        self._end = {name: np.zeros((rows, channels), np.float32) for name, rows, channels in flow.tails}
        self._outputs = [result, *(f"{name}_next" for name, _, _ in flow.states)]

    def begin(self) -> FlowState:
        """What a sequence begins with."""
        return dict(self._begin)

    def run(
        self, state: FlowState, rows: np.ndarray, *, is_last: bool = False
    ) -> tuple[np.ndarray, FlowState]:
        """Go on with a sequence.

        Args:
            rows: (t, c), the next piece.  is_last: nothing follows it.

        Returns:
            the rows that cannot change any more, (t', c'), and the state from which it goes on.
        """
        given = {self._source: rows, **state, **(self._end if is_last else self._middle)}
        result, *states = self._session.run(self._outputs, given)
        return result, dict(zip(state, states, strict=True))


FlowState = dict[str, np.ndarray]
