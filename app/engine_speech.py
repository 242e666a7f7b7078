"""Speech as the engine process sends it: chunk by chunk, with the time that each one took."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from app.engine_messages import SpokenChunk, Step

if TYPE_CHECKING:
    from lewm_core.streaming import AudioChunk


def speech_steps(speech: Generator[Any, None, Any]) -> Generator[Step, None, Any]:
    """`Synthesiser.speech` as steps; what it returns is returned."""
    began = time.perf_counter()
    message = "Speaking"
    while True:
        try:
            item = next(speech)
        except StopIteration as stop:
            return stop.value
        if hasattr(item, "wave"):
            yield Step(item.fraction, message, chunk=_chunk(item, time.perf_counter() - began))
        else:
            message = item.message
            yield Step(item.fraction, message, item.partial_mel)


def _chunk(chunk: AudioChunk, spent: float) -> SpokenChunk:
    return SpokenChunk(
        wave=chunk.wave,
        mel=chunk.mel,
        sample_rate=chunk.sample_rate,
        spent=spent,
        predicted=chunk.predicted,
        fraction=chunk.fraction,
        is_last=chunk.is_last,
    )
