"""Latents to mel, and mel to the spectrum of the wave, for sequences that come in pieces (see ``builder.Flow``).

n latents   t mel frames   d latent dimensions   m mel bands   c channels
"""

from __future__ import annotations

import numpy as np

from lewm_core.config import MEL_MEAN, MEL_STD, ModelConfig
from lewm_core.graphs.builder import Flow, Graph, Layers, unfolded

_VOCODER_WIDTH = 7
_VOCODER_EPSILON = 1e-6

Weights = dict[str, np.ndarray]


def decoder_graph(weights: Weights, config: ModelConfig) -> tuple[bytes, Flow]:
    """MelDecoder: latents (n, d) to mel (t, m), n times the downsample factor frames in all."""
    graph = Graph("decoder")
    flow, layers = Flow(graph), Layers(graph, weights, "mel_decoder.")
    channels = config.decoder_dim
    latents = graph.input("latents", ("n", config.latent_dim))
    x = layers.linear(latents, "project_in")
    for number in range({2: 1, 4: 2}[config.downsample_factor]):
        stage = Layers(graph, weights, f"mel_decoder.stages.{number}.")
        x = _doubled(stage, flow, x, channels)
        x = _residual(stage, flow, x, channels)
    width = config.decoder_refine_width
    padded = flow.padded(x, width, channels)
    refined = layers.convolution(unfolded(graph, graph.op("Gelu", padded), width), "refine")
    x = graph.op("Add", flow.centre(padded, width), refined)
    windows = unfolded(graph, flow.padded(graph.op("Gelu", x), 3, channels), 3)
    mel = layers.convolution(windows, "project_out")
    mel = graph.op("Mul", mel, graph.constant(np.float32(MEL_STD)))
    mel = graph.op("Add", mel, graph.constant(np.float32(MEL_MEAN)))
    graph.output(mel, "mel", ("t", config.n_mels))
    return graph.to_bytes(), flow


def vocoder_graph(weights: Weights, n_mels: int, dim: int, layers: int, n_fft: int) -> tuple[bytes, Flow]:
    """The ConvNeXt backbone and head of a Vocos: mel (t, m) to log-magnitude and phase (t, n_fft + 2)."""
    graph = Graph("vocoder")
    flow, backbone = Flow(graph), Layers(graph, weights, "backbone.")
    mel = graph.input("mel", ("t", n_mels))
    windows = unfolded(graph, flow.padded(mel, _VOCODER_WIDTH, n_mels), _VOCODER_WIDTH)
    x = backbone.norm(backbone.convolution(windows, "embed"), "norm", _VOCODER_EPSILON)
    for number in range(layers):
        block = Layers(graph, weights, f"backbone.convnext.{number}.")
        padded = flow.padded(x, _VOCODER_WIDTH, dim)
        y = block.norm(_depthwise(block, padded), "norm", _VOCODER_EPSILON)
        y = graph.op("Gelu", block.linear(y, "pwconv1"))
        gamma = block["gamma"] if f"backbone.convnext.{number}.gamma" in weights else np.ones(dim, np.float32)
        y = graph.linear(y, block["pwconv2.weight"] * gamma[:, None], block["pwconv2.bias"] * gamma)
        x = graph.op("Add", flow.centre(padded, _VOCODER_WIDTH), y)
    x = backbone.norm(x, "final_layer_norm", _VOCODER_EPSILON)
    graph.output(Layers(graph, weights, "head.").linear(x, "out"), "spectrum", ("t", n_fft + 2))
    return graph.to_bytes(), flow


def _depthwise(block: Layers, padded: str) -> str:
    """A convolution of each channel by itself, over ``padded`` (t + width - 1, c)."""
    graph = block.graph
    ends = graph.constant(np.array([0, 2]))  # as an image one pixel high, for which there is a fast kernel
    image = graph.op("Unsqueeze", graph.op("Transpose", padded, perm=[1, 0]), ends)
    weight = block["dwconv.weight"][:, :, None]
    image = graph.op(
        "Conv", image, graph.constant(weight), graph.constant(block["dwconv.bias"]), group=len(weight),
        kernel_shape=list(weight.shape[2:]),
    )  # fmt: skip
    return graph.op("Transpose", graph.op("Squeeze", image, ends), perm=[1, 0])


def _doubled(stage: Layers, flow: Flow, x: str, channels: int) -> str:
    """The transposed convolution, 4 wide with stride 2: two rows from each window of three."""
    graph = stage.graph
    taps = stage["upsample.weight"].transpose(2, 1, 0)  # (4, out, in)
    none = np.zeros_like(taps[0])
    first, second = np.hstack((taps[3], taps[1], none)), np.hstack((none, taps[2], taps[0]))
    bias = np.tile(stage["upsample.bias"], 2)
    windows = unfolded(graph, flow.padded(x, 3, channels), 3)
    return graph.reshape(graph.linear(windows, np.vstack((first, second)), bias), -1, channels)


def _residual(stage: Layers, flow: Flow, x: str, channels: int) -> str:
    """ResConvBlock; what goes around the two convolutions waits for as many rows as they do."""
    graph = stage.graph
    padded = flow.padded(x, 3, channels)
    inner = stage.convolution(unfolded(graph, graph.op("Gelu", padded), 3), "residual.first")
    windows = unfolded(graph, flow.padded(graph.op("Gelu", inner), 3, channels), 3)
    around = flow.centre(flow.padded(flow.centre(padded, 3), 3, channels), 3)
    return graph.op("Add", around, stage.convolution(windows, "residual.second"))
