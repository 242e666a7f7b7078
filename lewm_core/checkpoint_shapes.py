"""Which arrays a checkpoint of a configuration holds, and their shapes: those of ``LeWM``, told without torch."""

from __future__ import annotations

from collections.abc import Iterator

from lewm_core.config import ModelConfig

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]

ALIGNER_CHANNELS = 128
PLACE_FEATURES = 4
BYTE_VALUES = 256


def checkpoint_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Names and shapes of all arrays, in no particular order."""
    c = config
    statistics = ("latent_mean", "latent_std", "residual_std", "predictor.active")
    shapes: dict[str, Shape] = dict.fromkeys(statistics, (c.latent_dim,))
    for parts in (_text_encoder(c), _audio_encoder(c), _predictor(c), _mel_decoder(c)):
        shapes.update(parts)
    if c.alignment == "durations":
        for parts in (_aligner(c), _durations(c), _regulator(c)):
            shapes.update(parts)
    return shapes


def _layer(name: str, *weight: int) -> Named:
    """Weight and bias; the bias is as long as the weight's first side."""
    yield f"{name}.weight", weight
    yield f"{name}.bias", (weight[0],)


def _encoder_block(name: str, dim: int) -> Named:
    yield from _layer(f"{name}.norm_attention", dim)
    yield from _layer(f"{name}.attention.project_in", 3 * dim, dim)
    yield from _layer(f"{name}.attention.project_out", dim, dim)
    yield from _layer(f"{name}.norm_feed", dim)
    yield from _layer(f"{name}.feed.0", 4 * dim, dim)
    yield from _layer(f"{name}.feed.3", dim, 4 * dim)


def _text_encoder(c: ModelConfig) -> Named:
    yield "text_encoder.embed.weight", (BYTE_VALUES, c.text_dim)
    yield "text_encoder.speaker.weight", (c.n_speakers, c.text_dim)
    yield from _layer("text_encoder.conv", c.text_dim, c.text_dim, 5)
    for number in range(c.text_layers):
        yield from _encoder_block(f"text_encoder.blocks.{number}", c.text_dim)
    yield from _layer("text_encoder.norm", c.text_dim)


def _audio_encoder(c: ModelConfig) -> Named:
    dim = c.encoder_dim
    yield from _layer("audio_encoder.conv_in", dim, c.n_mels, 3)
    yield from _layer("audio_encoder.conv_mid", dim, dim, 3)
    for number in range(_doublings(c)):
        yield from _layer(f"audio_encoder.downsample.{number}", dim, dim, 4)
    for number in range(c.encoder_layers):
        yield from _encoder_block(f"audio_encoder.blocks.{number}", dim)
    yield from _layer("audio_encoder.norm", dim)
    yield from _layer("audio_encoder.to_stats", 2 * c.latent_dim, dim)


def _predictor(c: ModelConfig) -> Named:
    width, told = c.predictor_dim, c.latents_per_step * c.latent_dim
    yield "predictor.start", (told,)
    yield "predictor.speaker.weight", (c.n_speakers, width)
    yield from _layer("predictor.prenet.first", width, told)
    yield from _layer("predictor.prenet.second", width, width)
    for number in range(c.predictor_layers):
        name = f"predictor.blocks.{number}"
        yield from _encoder_block(name, width)
        yield from _layer(f"{name}.norm_cross", width)
        yield from _layer(f"{name}.cross.project_query", width, width)
        yield from _layer(f"{name}.cross.project_memory", 2 * width, c.text_dim)
        yield from _layer(f"{name}.cross.project_out", width, width)
    yield from _layer("predictor.norm", width)
    yield from _layer("predictor.stop", 1, width)
    yield from _layer("predictor.head.spread", c.latents_per_step * width, width)
    yield from _layer("predictor.head.norm", width)
    yield from _layer("predictor.head.feed.0", 2 * width, width)
    yield from _layer("predictor.head.feed.2", width, 2 * width)
    yield from _layer("predictor.head.norm_out", width)
    yield from _layer("predictor.head.project_out", c.latent_dim, width)
    if c.alignment == "durations":
        yield from _layer("predictor.text_in", width, c.latents_per_step * c.text_dim)
        yield from _layer("predictor.head.text", width, c.text_dim)


def _mel_decoder(c: ModelConfig) -> Named:
    dim = c.decoder_dim
    yield from _layer("mel_decoder.project_in", dim, c.latent_dim)
    for number in range(_doublings(c)):
        stage = f"mel_decoder.stages.{number}"
        yield from _layer(f"{stage}.upsample", dim, dim, 4)
        yield from _layer(f"{stage}.residual.first", dim, dim, 3)
        yield from _layer(f"{stage}.residual.second", dim, dim, 3)
    yield from _layer("mel_decoder.refine", dim, dim, c.decoder_refine_width)
    yield from _layer("mel_decoder.project_out", c.n_mels, dim, 3)


def _aligner(c: ModelConfig) -> Named:
    width = ALIGNER_CHANNELS
    yield "aligner.embed.weight", (BYTE_VALUES, width)
    yield "aligner.scale", ()
    yield from _layer("aligner.text_conv", width, width, 5)
    yield from _layer("aligner.text_out", width, width)
    yield from _layer("aligner.mel_conv", width, c.n_mels, 5)
    yield from _layer("aligner.mel_down", width, width, 2 * c.downsample_factor)
    yield from _layer("aligner.mel_out", width, width, 1)


def _durations(c: ModelConfig) -> Named:
    dim = c.text_dim
    for name in ("first", "second"):
        yield from _layer(f"duration.{name}", dim, dim, 3)
        yield from _layer(f"duration.norm_{name}", dim)
    yield from _layer("duration.project_out", 1, dim)


def _regulator(c: ModelConfig) -> Named:
    yield from _layer("regulator.place.0", c.text_dim, PLACE_FEATURES)
    yield from _layer("regulator.place_out", c.text_dim, c.text_dim)
    yield "regulator.after_end", (c.text_dim,)


def _doublings(c: ModelConfig) -> int:
    return {2: 1, 4: 2}[c.downsample_factor]
