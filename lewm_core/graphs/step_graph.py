"""One step of the predictor for all rows of a batch.

b rows   k steps allocated   u text units allocated   r latents a step   d latent dimensions
w predictor width   h heads   e channels a head, and E the same filled up to a multiple of ``HEAD_UNIT``
"""

from __future__ import annotations

import numpy as np

from lewm_core.config import ModelConfig
from lewm_core.graphs.builder import CONTRIB, Graph, Layers

HEAD_UNIT = 16
"""The operator for attention over a cache takes heads of a multiple of so many channels."""


def head_width(config: ModelConfig) -> int:
    """Channels of a head in the cache (E)."""
    width = config.predictor_dim // config.predictor_heads
    return -(-width // HEAD_UNIT) * HEAD_UNIT


def step_graph(weights: dict[str, np.ndarray], config: ModelConfig, precision: str) -> bytes:
    """JEPAPredictor.step.

    Inputs: last (b, r d), what came before; given (b, w); moments (b, r, w) where planned; bias (b, 1, 1, u), added
    to cross-attention scores; steps (b,), how many each row has behind it; total (), one more than the largest of
    them; cos, sin (k, E / 2); and of each layer i keys_i, values_i (b, h, k, E) and text_keys_i (b, h, e, u),
    text_values_i (b, h, u, e).

    Outputs: latents (b, r, d), normalised; stop (b, 1), a probability; new_keys_i, new_values_i (b, h, k, E), to be
    bound to the memory of keys_i and values_i, so that only the new step is written; attention_i (b, h, 1, u).
    """
    graph = Graph("step", precision)
    layers = Layers(graph, weights, "predictor.")
    width, r, d = config.predictor_dim, config.latents_per_step, config.latent_dim
    last = graph.input("last", ("b", r * d))
    x = graph.op("Gelu", layers.linear(last, "prenet.first"))
    x = graph.op("Gelu", layers.linear(x, "prenet.second"))
    x = graph.op("Add", x, graph.input("given", ("b", width)))
    common = (
        graph.input("steps", ("b",), np.int32), graph.input("total", (), np.int32),
        *(graph.input(name, ("k", head_width(config) // 2)) for name in ("cos", "sin")),
    )  # fmt: skip
    bias = graph.input("bias", ("b", 1, 1, "u"))
    for number in range(config.predictor_layers):
        block = Layers(graph, weights, f"predictor.blocks.{number}.")
        x = graph.op(
            "Add", x, _self_attention(block, block.norm(x, "norm_attention"), config, number, common)
        )
        x = graph.op("Add", x, _cross_attention(block, block.norm(x, "norm_cross"), config, number, bias))
        x = graph.op("Add", x, block.feed(block.norm(x, "norm_feed"), "feed.0", "feed.3"))
    hidden = layers.norm(x, "norm")
    graph.output(graph.op("Sigmoid", layers.linear(hidden, "stop", exact=True)), "stop", ("b", 1))
    graph.output(_latents(layers, hidden, config), "latents", ("b", r, d))
    return graph.to_bytes()


def _latents(layers: Layers, hidden: str, config: ModelConfig) -> str:
    """LatentHead: r latents a row, each refined with the text at its own moment."""
    graph, r, width = layers.graph, config.latents_per_step, config.predictor_dim
    x = graph.reshape(layers.linear(hidden, "head.spread"), -1, r, width)
    if config.alignment == "durations":
        x = graph.op("Add", x, graph.input("moments", ("b", r, width)))
    x = graph.reshape(x, -1, width)
    x = graph.op("Add", x, layers.feed(layers.norm(x, "head.norm"), "head.feed.0", "head.feed.2"))
    x = layers.linear(layers.norm(x, "head.norm_out"), "head.project_out", exact=True)
    x = graph.op("Mul", x, graph.constant(layers["active"]))
    return graph.reshape(x, -1, r, config.latent_dim)


def _self_attention(block: Layers, x: str, config: ModelConfig, number: int, common: tuple[str, ...]) -> str:
    """Attention over the steps so far; the operator turns query and key by their place and stores the new step."""
    graph, heads, wide = block.graph, config.predictor_heads, head_width(config)
    width = config.predictor_dim // heads
    weight, bias = block["attention.project_in.weight"], block["attention.project_in.bias"]
    weight = _filled_up(weight.reshape(3 * heads, width, -1), wide).reshape(3 * heads * wide, -1)
    bias = _filled_up(bias.reshape(3 * heads, width), wide).reshape(-1)
    projected = graph.reshape(graph.linear(x, weight, bias), -1, 1, 3 * heads * wide)
    past = [graph.input(f"{name}_{number}", ("b", heads, "k", wide)) for name in ("keys", "values")]
    out, keys, values = graph.ops(
        "GroupQueryAttention", projected, "", "", *past, *common, results=3, domain=CONTRIB,
        num_heads=heads, kv_num_heads=heads, do_rotary=1, scale=width**-0.5,
    )  # fmt: skip
    for name, value in (("keys", keys), ("values", values)):
        graph.output(value, f"new_{name}_{number}", ("b", heads, "k", wide))
    channels = block["attention.project_out.weight"].T.reshape(heads, width, -1)
    back = _filled_up(channels, wide).reshape(heads * wide, -1).T
    return graph.linear(
        graph.reshape(out, -1, heads * wide), np.ascontiguousarray(back), block["attention.project_out.bias"]
    )


def _cross_attention(block: Layers, x: str, config: ModelConfig, number: int, bias: str) -> str:
    """Attention to the text."""
    graph, heads = block.graph, config.predictor_heads
    width = config.predictor_dim // heads
    scale = np.float32(width**-0.5)
    query = graph.linear(
        x, block["cross.project_query.weight"] * scale, block["cross.project_query.bias"] * scale
    )
    query = graph.reshape(query, -1, heads, 1, width)
    keys = graph.input(f"text_keys_{number}", ("b", heads, width, "u"))
    values = graph.input(f"text_values_{number}", ("b", heads, "u", width))
    weights = graph.op("Softmax", graph.op("Add", graph.op("MatMul", query, keys), bias))
    graph.output(weights, f"attention_{number}", ("b", heads, 1, "u"))
    out = graph.reshape(graph.op("MatMul", weights, values), -1, heads * width)
    return block.linear(out, "cross.project_out")


def _filled_up(channels: np.ndarray, wide: int) -> np.ndarray:
    """Put zeros behind each half of axis 1 (e) until it has ``wide`` channels: rotary positions turn halves."""
    heads, width, *rest = channels.shape
    filled = np.zeros((heads, 2, wide // 2, *rest), np.float32)
    filled[:, :, : width // 2] = channels.reshape(heads, 2, width // 2, *rest)
    return filled.reshape(heads, wide, *rest)
