"""Requests about other checkpoints than the one that is loaded; a `SweepCell` is the answer."""

from __future__ import annotations

from dataclasses import dataclass

from lewm_core.sweep_cells import SweepItem


@dataclass(frozen=True)
class MakeCell:
    """Put one sentence through one checkpoint (of training step `step`) with a vocoder (None: its own)."""

    checkpoint: str
    step: int
    item: SweepItem
    vocoder: str | None = None
