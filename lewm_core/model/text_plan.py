"""LengthRegulator: lays text units along time, so that each step knows what it is about to speak.

b batch   n latents   k steps (n / r)   u text units   x text width
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lewm_core.config import ModelConfig
from lewm_core.model.predictor import TextPlan

_PLACE_FEATURES = 4


class LengthRegulator(nn.Module):
    """Repeats each unit for its duration and adds where in the unit each latent lies."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.latents_per_step = config.latents_per_step
        self.place = nn.Sequential(nn.Linear(_PLACE_FEATURES, config.text_dim), nn.GELU())
        self.place_out = nn.Linear(config.text_dim, config.text_dim)
        self.after_end = nn.Parameter(torch.zeros(config.text_dim))

    def forward(self, memory: Tensor, mask: Tensor, durations: Tensor, steps: int | None = None) -> TextPlan:
        """Build the plan of a batch.

        Args:
            memory: (b, u, x) encoded units.  mask: (b, u) true at real units.
            durations: (b, u) whole latents a unit.
            steps: steps to plan for; beyond the text the plan says "the end". Default: as many as
                the longest row needs.
        """
        r = self.latents_per_step
        ends = durations.cumsum(1)
        total = ends[:, -1]
        n = (steps if steps is not None else -(-int(total.max()) // r)) * r
        time = torch.arange(n, device=memory.device)
        unit = torch.searchsorted(ends.contiguous(), time.expand(len(ends), n).contiguous(), right=True)
        unit = unit.minimum(mask.sum(1, keepdim=True) - 1)  # the row's own last unit, whatever it is padded to
        length = durations.gather(1, unit).to(memory.dtype).clamp_min(1.0)
        into = time - (ends - durations).gather(1, unit) + 0.5
        left = (total.unsqueeze(1) - time).to(memory.dtype)
        features = torch.stack(
            ((into / length).clamp(0, 1), length.log(), (into / 8).clamp(0, 2), (left / 8).clamp(-1, 2)),
            dim=-1,
        ).to(memory.dtype)
        frames = memory.gather(1, unit.unsqueeze(-1).expand(-1, -1, memory.shape[2]))
        frames = frames + self.place_out(self.place(features))
        over = (time.unsqueeze(0) >= total.unsqueeze(1)).unsqueeze(-1)
        frames = torch.where(over, self.after_end.to(frames.dtype), frames)
        centre = unit.view(len(ends), n // r, r).to(memory.dtype).mean(-1)
        return TextPlan(memory, mask, frames, centre, total)
