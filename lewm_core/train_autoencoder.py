"""Autoencoder stage: AudioEncoder and MelDecoder on random crops, with a regulariser that keeps latents Gaussian.

b batch   m mel bands   t mel frames   n latents   d latent dimensions
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lewm_core.config import LossWeights
from lewm_core.dataset import MelStore, pad_mels, random_crops
from lewm_core.distributed import CPU, joined_sum
from lewm_core.losses import kl_loss, masked_mean, reconstruction_loss, sigreg_loss, spectral_loss
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.train_batch import FRAME_RATE, names_of
from lewm_core.train_log import Example
from lewm_core.train_moment import Draws, Moment
from lewm_core.train_settings import AutoencoderSettings


def rise(now: Moment, share: float) -> float:
    """Factor of the regulariser's weight, which rises linearly over the first ``share`` of the training."""
    return min(1.0, now.done / share) if share > 0 else 1.0


def encode_sample(
    model: LeWM, mel: Tensor, mask: Tensor, settings: AutoencoderSettings, draws: Draws, now: Moment
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Encode mels (b, m, t) as training does.

    Returns:
        mu (b, n, d), what the decoder gets (a sample under "kl", mu itself under "sigreg"), and the
        regulariser's loss under its name.
    """
    mu, logvar = model.audio_encoder(mel, mask)
    mu, logvar = mu.float(), logvar.float()
    if settings.regularizer == "sigreg":
        seed = now.seed * 1_000_003 + now.step
        return mu, mu, {"sigreg": sigreg_loss(mu, mask, seed, settings.projections)}
    sample = mu + draws.normal("posterior", *mu.shape[1:]) * (0.5 * logvar).exp()
    return mu, sample, {"kl": kl_loss(mu, logvar, mask)}


def latent_figures(mu: Tensor, logvar: Tensor, mask: Tensor) -> dict[str, float]:
    """Spread over time of the latents (b, n, d) of held-out clips, by dimension, and how sure the encoder is."""
    spread = mu[mask].std(0)
    return {
        "latent_std_mean": float(spread.mean()),
        "latent_std_min": float(spread.min()),
        "posterior_variance": float(logvar[mask].exp().mean()),
    }


class AutoencoderStage:
    """Trains AudioEncoder and MelDecoder of a model."""

    name, judged_by = "autoencoder", "mel_l1"

    def __init__(
        self, model: LeWM, data: Path, weights: LossWeights, settings: AutoencoderSettings,
        device: torch.device = CPU,
    ) -> None:  # fmt: skip
        self.model, self.weights, self.settings, self.device = model.to(device), weights, settings, device
        self.train_store, self.dev_store = MelStore(data, "train"), MelStore(data, "dev")

    def parameters(self) -> list[nn.Parameter]:
        """Encoder's and decoder's."""
        return [*self.model.audio_encoder.parameters(), *self.model.mel_decoder.parameters()]

    def modules(self) -> dict[str, nn.Module]:
        """Encoder and decoder."""
        return {"audio_encoder": self.model.audio_encoder, "mel_decoder": self.model.mel_decoder}

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """Reconstruction, spectral and regulariser's losses of fresh crops; see ``Stage``."""
        settings, weights, factor = self.settings, self.weights, self.model.config.downsample_factor
        self.model.audio_encoder.train(), self.model.mel_decoder.train()
        mel, lengths = random_crops(self.train_store, settings.batch, settings.crop_frames, now.rng())
        mine = now.processes.rows(settings.batch)
        mel, lengths = mel[mine].to(self.device), lengths[mine].to(self.device)
        latent_mask = length_mask(-(-lengths // factor), mel.shape[2] // factor)
        _, sample, losses = encode_sample(
            self.model, mel, latent_mask, settings, now.draws(settings.batch), now
        )
        decoded = self.model.mel_decoder(sample).float()
        frame_mask = length_mask(lengths, mel.shape[2]).unsqueeze(1)
        losses["reconstruction"] = reconstruction_loss(decoded, mel, frame_mask)
        losses["spectral"] = spectral_loss(decoded, mel, frame_mask)
        regularizer = getattr(weights, settings.regularizer) * losses[settings.regularizer]
        losses["total"] = (
            weights.reconstruction * losses["reconstruction"]
            + weights.spectral * losses["spectral"]
            + rise(now, settings.rise) * regularizer
        )
        losses["audio_seconds"] = joined_sum(lengths.sum()) / FRAME_RATE
        return losses

    def batch_names(self, now: Moment) -> list[str]:
        """Sound files of the step's crops; see ``Stage``."""
        rng = now.rng()
        sizes = np.array([row.frames for row in self.train_store.utterances], dtype=np.float64)
        chosen = rng.choice(len(sizes), size=self.settings.batch, p=sizes / sizes.sum())
        return names_of(self.train_store, chosen.tolist())

    def _held_out(self, count: int) -> tuple[list[int], Tensor, Tensor, Tensor]:
        """Indices, mels (b, m, t), lengths (b,) and latent mask (b, n) of held-out clips, evenly chosen."""
        factor = self.model.config.downsample_factor
        indices = list(range(0, len(self.dev_store), max(1, len(self.dev_store) // count)))[:count]
        mel, lengths = pad_mels([self.dev_store.mel(i) for i in indices], factor)
        mask = length_mask(-(-lengths // factor), mel.shape[2] // factor)
        return indices, mel.to(self.device), lengths.to(self.device), mask.to(self.device)

    @torch.no_grad()
    def validate(self, count: int = 32) -> dict[str, float]:
        """Mel L1 of whole held-out clips and the spread of their latents."""
        self.model.eval()
        _, mel, lengths, mask = self._held_out(count)
        mu, logvar = self.model.audio_encoder(mel, mask)
        frames = length_mask(lengths, mel.shape[2]).unsqueeze(1)
        error = (self.model.mel_decoder(mu) - mel).abs()
        return {"mel_l1": float(masked_mean(error, frames)), **latent_figures(mu, logvar, mask)}

    @torch.no_grad()
    def examples(self, count: int) -> list[Example]:
        """Truth and reconstruction of held-out clips."""
        self.model.eval()
        indices, mel, lengths, mask = self._held_out(count)
        decoded = self.model.mel_decoder(self.model.audio_encoder(mel, mask)[0]).cpu()
        mel = mel.cpu()
        return [
            Example(
                f"{row} {self.dev_store.utterances[index].speaker}",
                {"truth": mel[row, :, :n].numpy(), "reconstruction": decoded[row, :, :n].numpy()},
            )
            for row, (index, n) in enumerate(zip(indices, lengths.tolist(), strict=True))
        ]
