"""Autoencoder stage: AudioEncoder and MelDecoder on random crops, with KL to a unit Gaussian.

b batch   m mel bands   t mel frames   n latents   d latent dimensions
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lewm_core.config import LossWeights
from lewm_core.dataset import MelStore, pad_mels, random_crops
from lewm_core.losses import kl_loss, reconstruction_loss, spectral_loss
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM


@dataclass(frozen=True)
class AutoencoderSettings:
    """Crops of ``crop_frames`` mel frames (even), ``batch`` at a time; KL rises over ``kl_rise`` steps."""

    batch: int = 10
    crop_frames: int = 188
    kl_rise: int = 500


class AutoencoderStage:
    """Trains AudioEncoder and MelDecoder of a model."""

    name = "autoencoder"

    def __init__(self, model: LeWM, data: Path, weights: LossWeights, settings: AutoencoderSettings) -> None:
        self.model, self.weights, self.settings = model, weights, settings
        self.train_store, self.dev_store = MelStore(data, "train"), MelStore(data, "dev")

    def parameters(self) -> list[nn.Parameter]:
        """Encoder's and decoder's."""
        return [*self.model.audio_encoder.parameters(), *self.model.mel_decoder.parameters()]

    def modules(self) -> dict[str, nn.Module]:
        """Encoder and decoder."""
        return {"audio_encoder": self.model.audio_encoder, "mel_decoder": self.model.mel_decoder}

    def loss(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Reconstruction, spectral and KL losses of fresh crops; see ``Stage``."""
        settings, factor = self.settings, self.model.config.downsample_factor
        self.model.audio_encoder.train(), self.model.mel_decoder.train()
        mel, lengths = random_crops(self.train_store, settings.batch, settings.crop_frames, rng)
        latents = mel.shape[2] // factor
        latent_mask = length_mask(-(-lengths // factor), latents)
        mu, logvar = self.model.audio_encoder(mel, latent_mask)
        mu, logvar = mu.float(), logvar.float()
        sample = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        decoded = self.model.mel_decoder(sample).float()
        frame_mask = length_mask(lengths, mel.shape[2]).unsqueeze(1)
        losses = {
            "reconstruction": reconstruction_loss(decoded, mel, frame_mask),
            "spectral": spectral_loss(decoded, mel, frame_mask),
            "kl": kl_loss(mu, logvar, latent_mask),
        }
        rise = min(1.0, step / max(1, settings.kl_rise))
        losses["total"] = (
            self.weights.reconstruction * losses["reconstruction"]
            + self.weights.spectral * losses["spectral"]
            + self.weights.kl * rise * losses["kl"]
        )
        losses["audio_seconds"] = lengths.sum() / 93.75
        return losses

    @torch.no_grad()
    def validate(self, count: int = 32) -> dict[str, float]:
        """Mel L1 of whole held-out clips and the spread of their latents."""
        self.model.eval()
        factor = self.model.config.downsample_factor
        stride = max(1, len(self.dev_store) // count)
        mel, lengths = pad_mels(
            [self.dev_store.mel(i) for i in range(0, len(self.dev_store), stride)], factor
        )
        mask = length_mask(-(-lengths // factor), mel.shape[2] // factor)
        mu, logvar = self.model.audio_encoder(mel, mask)
        decoded = self.model.mel_decoder(mu)
        spread = mu[mask].std(0)
        return {
            "mel_l1": float(
                reconstruction_loss(decoded, mel, length_mask(lengths, mel.shape[2]).unsqueeze(1))
            ),
            "latent_std_mean": float(spread.mean()),
            "latent_std_min": float(spread.min()),
            "posterior_variance": float(logvar[mask].exp().mean()),
        }
