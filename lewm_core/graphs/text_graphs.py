"""What is calculated once a request: the encoded text, and the text as each step reads it.

s text bytes   u text units (bytes where alignment is "attention")   x text width   w predictor width
l predictor layers   h heads   e channels a head   n latents   k steps   r latents a step
"""

from __future__ import annotations

import numpy as np

from lewm_core.config import ModelConfig
from lewm_core.graphs.builder import Graph, Layers, unfolded

Weights = dict[str, np.ndarray]
PLACE_FEATURES = 4


def text_graph(weights: Weights, config: ModelConfig) -> bytes:
    """TextEncoder, DurationPredictor, and the keys and values that cross-attention reads in every layer.

    Inputs: bytes (s,) whole; shares (1, n_speakers) of the speakers; cos, sin (u, 1, x / heads) rotary tables;
    pooling (u, s), which averages the bytes of a unit (only where alignment is "durations").

    Outputs: memory (u, x); text_keys (l, h, e, u), text_values (l, h, u, e); log_durations (u, 1) where planned.
    """
    graph = Graph("text")
    layers = Layers(graph, weights, "text_encoder.")
    dim, heads = config.text_dim, config.text_heads
    values, shares = graph.input("bytes", ("s",), np.int64), graph.input("shares", (1, config.n_speakers))
    cos, sin = (graph.input(name, ("u", 1, dim // heads)) for name in ("cos", "sin"))
    x = graph.op("Gather", graph.constant(layers["embed.weight"]), values)
    x = graph.op("Add", x, graph.op("Gelu", _convolution(layers, x, "conv", 5)))
    if config.alignment == "durations":
        x = graph.op("MatMul", graph.input("pooling", ("u", "s")), x)
    x = graph.op("Add", x, graph.op("MatMul", shares, graph.constant(layers["speaker.weight"])))
    for number in range(config.text_layers):
        block = Layers(graph, weights, f"text_encoder.blocks.{number}.")
        attended = _self_attention(block, block.norm(x, "norm_attention"), heads, dim // heads, cos, sin)
        x = graph.op("Add", x, attended)
        x = graph.op("Add", x, block.feed(block.norm(x, "norm_feed"), "feed.0", "feed.3"))
    memory = layers.norm(x, "norm")
    graph.output(memory, "memory", ("u", dim))
    if config.alignment == "durations":
        graph.output(_durations(Layers(graph, weights, "duration."), memory), "log_durations", ("u", 1))
    _text_memory(Layers(graph, weights, "predictor."), memory, config)
    return graph.to_bytes()


def plan_graph(weights: Weights, config: ModelConfig) -> bytes:
    """The text laid along time, as the steps read it; only where alignment is "durations".

    Inputs: memory (u, x); unit (n,) spoken at each latent; place (n, 4) in it; over (n, 1), 1 behind the end of
    the text and 0 before; shares (1, n_speakers).

    Outputs: given (k, w) and moments (n, w).
    """
    graph = Graph("plan")
    regulator, predictor = Layers(graph, weights, "regulator."), Layers(graph, weights, "predictor.")
    memory, unit = graph.input("memory", ("u", config.text_dim)), graph.input("unit", ("n",), np.int64)
    place, over = graph.input("place", ("n", PLACE_FEATURES)), graph.input("over", ("n", 1))
    placed = graph.op("Gelu", regulator.linear(place, "place.0"))
    frames = graph.op("Add", graph.op("Gather", memory, unit), regulator.linear(placed, "place_out"))
    ended = graph.op("Sub", graph.constant(regulator["after_end"]), frames)
    frames = graph.op("Add", frames, graph.op("Mul", over, ended))
    steps = graph.reshape(frames, -1, config.latents_per_step * config.text_dim)
    shares = graph.input("shares", (1, config.n_speakers))
    voice = graph.op("MatMul", shares, graph.constant(predictor["speaker.weight"]))
    given = graph.op("Add", predictor.linear(steps, "text_in"), voice)
    graph.output(given, "given", ("k", config.predictor_dim))
    graph.output(predictor.linear(frames, "head.text"), "moments", ("n", config.predictor_dim))
    return graph.to_bytes()


def _convolution(layers: Layers, x: str, name: str, width: int) -> str:
    """A convolution of odd ``width`` over the rows of ``x`` (n, c), zeros beyond the ends."""
    graph, half = layers.graph, width // 2
    padded = graph.op("Pad", x, graph.constant(np.array([half, 0, half, 0], np.int64)))
    return layers.convolution(unfolded(graph, padded, width), name)


def _durations(layers: Layers, memory: str) -> str:
    graph = layers.graph
    x = memory
    for convolution, norm in (("first", "norm_first"), ("second", "norm_second")):
        x = layers.norm(graph.op("Gelu", _convolution(layers, x, convolution, 3)), norm)
    return layers.linear(x, "project_out")


def _self_attention(block: Layers, x: str, heads: int, width: int, cos: str, sin: str) -> str:
    """Attention among all rows of ``x`` (u, x) with rotary positions."""
    graph = block.graph
    projected = graph.reshape(block.linear(x, "attention.project_in"), -1, 3 * heads, width)
    both, value = graph.rows(projected, 0, 2 * heads, axis=1), graph.rows(projected, 2 * heads, axis=1)
    halves = graph.rows(both, width // 2, axis=2), graph.rows(both, 0, width // 2, axis=2)
    turned = graph.op("Mul", graph.op("Concat", *halves, axis=2), sin)
    turned = graph.op("Add", graph.op("Mul", both, cos), turned)
    query = graph.op("Transpose", graph.rows(turned, 0, heads, axis=1), perm=[1, 0, 2])
    key = graph.op("Transpose", graph.rows(turned, heads, axis=1), perm=[1, 2, 0])
    value = graph.op("Transpose", value, perm=[1, 0, 2])
    scores = graph.op("Mul", graph.op("MatMul", query, key), graph.constant(np.float32(width**-0.5)))
    out = graph.op("MatMul", graph.op("Softmax", scores), value)
    out = graph.reshape(graph.op("Transpose", out, perm=[1, 0, 2]), -1, heads * width)
    return block.linear(out, "attention.project_out")


def _text_memory(predictor: Layers, memory: str, config: ModelConfig) -> None:
    """Keys and values of the text for all layers in one product."""
    graph, heads, layers = predictor.graph, config.predictor_heads, config.predictor_layers
    width = config.predictor_dim // heads
    names = [f"blocks.{number}.cross.project_memory" for number in range(layers)]
    weight = np.concatenate([predictor[f"{name}.weight"] for name in names])
    bias = np.concatenate([predictor[f"{name}.bias"] for name in names])
    both = graph.reshape(graph.linear(memory, weight, bias), -1, layers, 2, heads, width)
    for number, (name, order) in enumerate((("text_keys", [1, 2, 3, 0]), ("text_values", [1, 2, 0, 3]))):
        one = graph.op("Squeeze", graph.rows(both, number, number + 1, axis=2), graph.constant(np.array([2])))
        dims = ("e", "u") if number == 0 else ("u", "e")
        graph.output(graph.op("Transpose", one, perm=order), name, (layers, heads, *dims))
