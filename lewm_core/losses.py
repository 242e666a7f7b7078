"""Named losses of the autoencoder and the predictor. Each takes a mask and averages over real frames.

b batch   m mel bands   t mel frames   n latents   d latent dimensions
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask`` (broadcastable) is true."""
    weights = mask.expand_as(values).to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp_min(1.0)


def reconstruction_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """L1 between log-mels (b, m, t), nats; ``mask`` (b, 1, t)."""
    return masked_mean((predicted - target).abs(), mask)


def spectral_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Multi-resolution L1 of a log-mel pair (b, m, t): pooled by 2 and 4, and its time and frequency edges.

    Differences between neighbouring bands keep formants sharp, differences between neighbouring
    frames keep onsets; pooled copies keep the broad shape.
    """
    weights = mask.to(predicted.dtype)
    predicted, target = predicted * weights, target * weights
    fraction = weights.mean().clamp_min(1e-3)
    total = (predicted.diff(dim=1) - target.diff(dim=1)).abs().mean()
    total = total + (predicted.diff(dim=2) - target.diff(dim=2)).abs().mean()
    for size in (2, 4):
        total = total + F.l1_loss(F.avg_pool2d(predicted, size), F.avg_pool2d(target, size))
    return total / (4 * fraction)


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
