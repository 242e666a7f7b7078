"""Named losses of the autoencoder and the predictor. Each takes a mask and averages over real frames.

b batch   m mel bands   t mel frames   n latents   d latent dimensions
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lewm_core.distributed import joined_sum

SIGREG_REACH, SIGREG_KNOTS = 3.0, 17


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask`` (broadcastable) is true, over the joined batch of all processes."""
    weights = mask.expand_as(values).to(values.dtype)
    return joined_sum((values * weights).sum()) / joined_sum(weights.sum()).clamp_min(1.0)


def reconstruction_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """L1 between log-mels (b, m, t), nats; ``mask`` (b, 1, t)."""
    return masked_mean((predicted - target).abs(), mask)


def spectral_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Multi-resolution L1 of a log-mel pair (b, m, t): pooled by 2 and 4, and its time and frequency edges.

    Differences between neighbouring bands keep formants sharp, differences between neighbouring
    frames keep onsets; pooled copies keep the broad shape. Only what lies wholly in real frames
    (``mask`` (b, 1, t)) counts, so padding changes nothing.
    """
    error = predicted - target
    total = masked_mean(error.diff(dim=1).abs(), mask)
    total = total + masked_mean(error.diff(dim=2).abs(), mask[:, :, 1:] & mask[:, :, :-1])
    for size in (2, 4):
        whole = F.avg_pool1d(mask.to(error.dtype), size) > 1 - 1e-3
        total = total + masked_mean(F.avg_pool2d(error, size).abs(), whole)
    return total / 4


def kl_loss(mu: Tensor, logvar: Tensor, mask: Tensor) -> Tensor:
    """KL divergence of N(mu, exp(logvar)) from N(0, 1), nats a latent, (b, n, d) inputs, ``mask`` (b, n)."""
    divergence = 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar).sum(-1)
    return masked_mean(divergence, mask)


def prediction_loss(predicted: Tensor, target: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    """Weighted MSE between predicted and target latents (b, n, d).

    Args:
        weight: (d,) importance of each dimension, mean 1.
        mask: (b, n) true at real latents.
    """
    return masked_mean((predicted - target).square() * weight, mask.unsqueeze(-1))


def stop_loss(logits: Tensor, last_step: Tensor, mask: Tensor, positive_weight: float = 8.0) -> Tensor:
    """Binary cross-entropy of the stop head (b, k) against "this is the last step".

    One step in some thirty is positive, hence the weight.

    Args:
        last_step: (b,) index of each row's last step.
        mask: (b, k) true at steps up to and including the last.
    """
    steps = torch.arange(logits.shape[1], device=logits.device)
    target = (steps[None, :] >= last_step[:, None]).to(logits.dtype)
    values = F.binary_cross_entropy_with_logits(
        logits, target, reduction="none", pos_weight=logits.new_tensor(positive_weight)
    )
    return masked_mean(values, mask)


def sigreg_loss(latents: Tensor, mask: Tensor, seed: int, projections: int = 256) -> Tensor:
    """SIGReg: how far latents are from an isotropic unit Gaussian, by random one-dimensional views of them.

    For each view the Epps-Pulley statistic: the squared distance between the empirical characteristic
    function and that of N(0, 1), under a Gaussian window, integrated over |t| <= 3 at 17 knots (LeJEPA,
    arXiv 2511.08544; LeWM, 2603.19312). Here it is not multiplied by the number of samples, so that its
    weight does not depend on the batch: LeWM's weight 0.09 at 128 samples is 11.5 here. All valid latents
    of the batch are taken together. Latents that are all 0 give about 0.42; those of N(0, 1) fall to a
    floor of about 0.9 / samples.

    Args:
        latents: (b, n, d).  mask: (b, n).
        seed: of the views; the same in all processes, another one for each step.
        projections: views.
    """
    generator = torch.Generator().manual_seed(seed)
    views = torch.randn(latents.shape[-1], projections, generator=generator).to(latents.device)
    seen = latents[mask].float() @ F.normalize(views, dim=0)
    count = joined_sum(mask.sum().float()).clamp_min(1.0)
    knots = torch.linspace(0.0, SIGREG_REACH, SIGREG_KNOTS, device=latents.device)
    expected = torch.exp(-0.5 * knots.square())
    angles = seen.unsqueeze(-1) * knots
    real = joined_sum(angles.cos().sum(0)) / count
    imaginary = joined_sum(angles.sin().sum(0)) / count
    distance = ((real - expected).square() + imaginary.square()) * expected
    return 2.0 * torch.trapezoid(distance, knots, dim=-1).mean()  # the other half, t < 0, is its mirror


def guided_attention_loss(attention: Tensor, steps: Tensor, units: Tensor, width: float) -> Tensor:
    """Share of attention that lies off the diagonal, 0 to 1 (arXiv 1710.08969).

    Args:
        attention: (b, h, k, u) weights of the heads that shall be guided.
        steps, units: (b,) true lengths.
        width: of the band around the diagonal, as a share of the sentence.
    """
    device = attention.device
    step = torch.arange(attention.shape[2], device=device)
    unit = torch.arange(attention.shape[3], device=device)
    offset = unit[None, None] / units[:, None, None] - step[None, :, None] / steps[:, None, None]
    penalty = 1.0 - torch.exp(-0.5 * (offset / width).square())
    off = (attention.float() * penalty.unsqueeze(1)).sum(-1)
    return masked_mean(off, (step[None] < steps[:, None]).unsqueeze(1))
