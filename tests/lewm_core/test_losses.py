"""Losses: padding never counts, and the regulariser knows a Gaussian when it sees one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lewm_core.losses import (
    guided_attention_loss,
    kl_loss,
    masked_mean,
    reconstruction_loss,
    sigreg_loss,
    spectral_loss,
)

EVERYWHERE = torch.ones(1, 4000, dtype=torch.bool)


def sigreg(latents: torch.Tensor) -> float:
    return float(sigreg_loss(latents, EVERYWHERE[:, : latents.shape[1]], seed=3, projections=64))


@pytest.mark.parametrize("loss", [reconstruction_loss, spectral_loss])
def test_padding_changes_no_mel_loss(loss: object) -> None:
    torch.manual_seed(0)
    predicted, target = torch.randn(2, 12, 20), torch.randn(2, 12, 20)
    mask = torch.arange(20)[None, None] < torch.tensor([20, 13])[:, None, None]
    bare = loss(predicted, target, mask)  # type: ignore[operator]
    wide = (F.pad(predicted, (0, 17), value=5.0), F.pad(target, (0, 17)), F.pad(mask, (0, 17)))
    assert float(loss(*wide)) == pytest.approx(float(bare))  # type: ignore[operator]
    assert float(loss(target, target, mask)) == 0.0  # type: ignore[operator]


def test_spectral_loss_sees_a_blurred_edge_that_l1_hardly_sees() -> None:
    mask = torch.ones(1, 1, 32, dtype=torch.bool)
    sharp = torch.zeros(1, 16, 32)
    sharp[:, 8:] = 6.0
    blurred = F.avg_pool1d(F.pad(sharp.transpose(1, 2), (2, 2), mode="replicate"), 5, 1).transpose(1, 2)
    offset = sharp + (blurred - sharp).abs().mean()
    assert float(reconstruction_loss(blurred, sharp, mask)) == pytest.approx(
        float(reconstruction_loss(offset, sharp, mask)), rel=1e-4
    )
    assert spectral_loss(blurred, sharp, mask) > 1.2 * spectral_loss(offset, sharp, mask)


def test_sigreg_falls_to_its_floor_for_a_unit_gaussian_and_grows_for_everything_else() -> None:
    torch.manual_seed(0)
    unit = torch.randn(1, 4000, 8)
    floor = sigreg(unit)
    assert floor < 5 / 4000
    assert sigreg(unit[:, :400]) == pytest.approx(10 * floor, rel=0.6)  # the floor is one over the samples
    shrunken = [sigreg(scale * unit) for scale in (0.7, 0.4, 0.1, 0.0)]
    assert floor * 5 < shrunken[0] < shrunken[1] < shrunken[2] < shrunken[3]
    assert shrunken[3] == pytest.approx(0.42, abs=0.02)
    shifted = [sigreg(unit + shift) for shift in (0.3, 0.6, 1.2)]
    assert floor * 5 < shifted[0] < shifted[1] < shifted[2]
    assert sigreg(2.5 * unit) > 20 * floor
    uniform = (torch.rand(1, 4000, 1) - 0.5) * 12**0.5  # right mean and variance, wrong shape
    assert sigreg(uniform) > 5 * sigreg(torch.randn(1, 4000, 1))
    flat = unit.clone()
    flat[:, :, 4:] = unit[:, :, :4]  # each dimension alone is a Gaussian, together they are not
    assert sigreg(flat) > 20 * floor


def test_sigreg_pulls_a_collapsed_latent_open() -> None:
    torch.manual_seed(0)
    latents = (0.05 * torch.randn(1, 600, 6) + 0.2).requires_grad_()
    optimiser = torch.optim.Adam([latents], lr=0.05)
    for step in range(150):
        optimiser.zero_grad()
        sigreg_loss(latents, EVERYWHERE[:, :600], seed=step, projections=32).backward()
        optimiser.step()
    spread, centre = latents.detach()[0].std(0), latents.detach()[0].mean(0)
    assert ((spread > 0.8) & (spread < 1.2)).all(), spread
    assert (centre.abs() < 0.15).all(), centre


def test_sigreg_and_kl_do_not_see_padding() -> None:
    torch.manual_seed(0)
    latents, mask = torch.randn(2, 50, 4), torch.zeros(2, 50, dtype=torch.bool)
    mask[0], mask[1, :20] = True, True
    spoilt = latents.masked_fill(~mask.unsqueeze(-1), 100.0)
    assert sigreg_loss(latents, mask, 1) == sigreg_loss(spoilt, mask, 1)
    assert kl_loss(latents, latents, mask) == kl_loss(spoilt, latents, mask)


def test_guided_attention_is_zero_on_the_diagonal_and_one_far_from_it() -> None:
    steps, units = torch.tensor([12, 8]), torch.tensor([6, 4])
    diagonal = torch.zeros(2, 1, 12, 6)
    for row in range(2):
        for step in range(12):
            diagonal[row, 0, step, min(step // 2, 5)] = 1.0
    anti = diagonal.flip(3)
    near = float(guided_attention_loss(diagonal, steps, units, 0.2))
    far = float(guided_attention_loss(anti, steps, units, 0.2))
    even = float(guided_attention_loss(torch.full_like(diagonal, 1 / 6), steps, units, 0.2))
    assert near < 0.1 < even < far <= 1.0
    spoilt = diagonal.clone()
    spoilt[1, 0, 8:] = torch.tensor([0, 0, 0, 0, 0, 1.0])  # beyond the second row's end
    assert float(guided_attention_loss(spoilt, steps, units, 0.2)) == pytest.approx(near)


def test_masked_mean_of_nothing_is_zero() -> None:
    assert float(masked_mean(torch.ones(2, 3), torch.zeros(2, 3, dtype=torch.bool))) == 0.0
