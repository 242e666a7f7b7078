"""Layers that several parts share: rotary positions, attention with a cache, transformer blocks.

b batch   t query steps   s key steps   h heads   d width of a layer
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SHORT_ATTENTION = 512 * 512  # query times key steps


def rotary(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines that ``rotate`` turns channels by (RoPE, arXiv 2104.09864).

    Args:
        positions: (t,) whole or fractional.  width: channels a head, even.

    Returns:
        cosine and sine, each (t, width), float32; the sine of the first half is negated.
    """
    half = width // 2
    rates = 10_000.0 ** (-torch.arange(half, device=positions.device, dtype=torch.float32) / half)
    angles = positions.to(torch.float32).unsqueeze(-1) * rates
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn channel i of the first half of ``x`` (…, e) together with channel i of the second half.

    Args:
        cos, sin: of ``rotary``, shaped so that they broadcast over ``x``.
    """
    first, second = x.chunk(2, dim=-1)
    return torch.addcmul(x * cos, torch.cat((second, first), dim=-1), sin)


@dataclass(frozen=True)
class StepPlace:
    """Where each row of a batch stands, worked out once a step and shared by all layers.

    Attributes:
        steps: steps each row has behind it.  rows, at: the same as indices, (b,) each.
        cos, sin: (b, 1, 1, 1, e) the rotation of the new step.
        bias: (b, 1, 1, longest) hides what a shorter row has not filled; None where all are level.
    """

    steps: list[int]
    rows: Tensor
    at: Tensor
    cos: Tensor
    sin: Tensor
    bias: Tensor | None

    @property
    def is_level(self) -> bool:
        """Whether all rows stand at the same step."""
        return self.bias is None

    def pick(self, store: Tensor) -> Tensor:
        """What ``store`` (b or more, k, …) holds for the coming step of each row, (b, …)."""
        return store[: len(self.steps), self.steps[0]] if self.is_level else store[self.rows, self.at]


@dataclass(frozen=True)
class KeyValueCache:
    """Keys and values of one attention layer, (b, h, k, e) each, allocated ahead for k steps."""

    keys: Tensor
    values: Tensor
    place: StepPlace

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store one new step a row, (b, h, 1, e) each; return views of the steps up to the longest row's.

        Raises:
            IndexError: the cache is full.
        """
        steps, end = self.place.steps, max(self.place.steps) + 1
        if end > self.keys.shape[2]:
            raise IndexError(f"the cache holds {self.keys.shape[2]} steps; {end} were asked for")
        if self.place.is_level:
            self.keys[:, :, steps[0]] = key[:, :, 0]
            self.values[:, :, steps[0]] = value[:, :, 0]
        else:
            self.keys[self.place.rows, :, self.place.at] = key[:, :, 0]
            self.values[self.place.rows, :, self.place.at] = value[:, :, 0]
        return self.keys[:, :, :end], self.values[:, :, :end]


def attention_weights(query: Tensor, key: Tensor, bias: Tensor | None) -> Tensor:
    """Softmax of scaled scores plus ``bias``: (b, h, t, e), (b, h, s, e) to (b, h, t, s), float32."""
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return (scores.float() if bias is None else scores.float() + bias).softmax(-1)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Attention output (b, h, t, e).

    Long sequences go through torch's fused kernel, which never holds all scores; short ones through
    plain products, whose backward pass on a CPU is several times faster.
    """
    b, _, t, _ = query.shape
    s = key.shape[2]
    if t * s <= _SHORT_ATTENTION:
        return attention_weights(query, key, bias).to(value.dtype) @ value
    mask = None if bias is None else bias.to(query.dtype).expand(b, bias.shape[1], t, s)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def padding_bias(mask: Tensor, like: Tensor) -> Tensor:
    """Turn a mask (b, s), true at real positions, into what is added to scores, (b, 1, 1, s)."""
    bias = torch.zeros(mask.shape, device=like.device)
    return bias.masked_fill(~mask, float("-inf"))[:, None, None, :]


def causal_bias(steps: int, like: Tensor) -> Tensor:
    """Hide the future of each of ``steps`` steps, (1, 1, steps, steps)."""
    ahead = torch.ones(steps, steps, dtype=torch.bool, device=like.device).triu(1)
    return torch.zeros(steps, steps, device=like.device).masked_fill(ahead, float("-inf"))[None, None]


class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions, causal or not, or one step behind a cache."""

    def __init__(self, dim: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.project_in = nn.Linear(dim, 3 * dim)
        self.project_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: KeyValueCache | None = None) -> Tensor:
        """Attend over ``x`` (b, t, d) or, when a cache is given, from one new step over those in it.

        Args:
            mask: (b, t) true at real steps; only for the non-causal case (right padding needs no
                mask under a causal one).
            cache: then t is 1; the step is stored in it.
        """
        b, t, d = x.shape
        projected = self.project_in(x).view(b, t, 3, self.heads, d // self.heads)
        if cache is None:
            cos, sin = rotary(torch.arange(t, device=x.device), d // self.heads)
            cos, sin = cos.to(x.dtype)[:, None, None], sin.to(x.dtype)[:, None, None]
        else:
            cos, sin = cache.place.cos, cache.place.sin
        query, key = rotate(projected[:, :, :2], cos, sin).permute(2, 0, 3, 1, 4)
        value = projected[:, :, 2].transpose(1, 2)
        if cache is not None:
            key, value = cache.append(key, value)
            bias = cache.place.bias
        elif self.causal and t > 1:
            bias = causal_bias(t, x)
        else:
            bias = None if mask is None else padding_bias(mask, x)
        out = attend(query, key, value, bias)
        return self.project_out(out.transpose(1, 2).reshape(b, t, d))


class CrossAttention(nn.Module):
    """Multi-head attention from decoder steps to encoded text.

    Keys and values are projected once a request (``memory``) and reused at every step.
    """

    def __init__(self, dim: int, memory_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_query = nn.Linear(dim, dim)
        self.project_memory = nn.Linear(memory_dim, 2 * dim)
        self.project_out = nn.Linear(dim, dim)

    def memory(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """Project encoded text (b, s, m) to keys and values, each (b, h, s, e)."""
        b, s, _ = text.shape
        keys, values = self.project_memory(text).view(b, s, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return keys, values

    def forward(
        self, x: Tensor, memory: tuple[Tensor, Tensor], bias: Tensor, *, need_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from ``x`` (b, t, d) to ``memory``.

        Args:
            bias: (b, 1 or h, 1 or t, s) added to the scores; -inf hides padding.
            need_weights: also return the attention weights (b, h, t, s).
        """
        b, t, d = x.shape
        query = self.project_query(x).view(b, t, self.heads, d // self.heads).transpose(1, 2)
        keys, values = memory
        if need_weights:
            weights = attention_weights(query, keys, bias)
            out = weights.to(values.dtype) @ values
        else:
            weights = None
            out = attend(query, keys, values, bias)
        return self.project_out(out.transpose(1, 2).reshape(b, t, d)), weights


class FeedForward(nn.Sequential):
    """Two linear layers, four times as wide between them, with GELU."""

    def __init__(self, dim: int, dropout: float = 0.0) -> None:
        super().__init__(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim))


class EncoderBlock(nn.Module):
    """Pre-norm transformer block that sees the whole sequence."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads, causal=False)
        self.norm_feed = nn.LayerNorm(dim)
        self.feed = FeedForward(dim, dropout)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (b, t, d) to (b, t, d); ``mask`` (b, t) is true at real steps."""
        x = x + self.drop(self.attention(self.norm_attention(x), mask))
        return x + self.drop(self.feed(self.norm_feed(x)))


class DecoderBlock(nn.Module):
    """Pre-norm causal transformer block with cross-attention to the text."""

    def __init__(self, dim: int, memory_dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads, causal=True)
        self.norm_cross = nn.LayerNorm(dim)
        self.cross = CrossAttention(dim, memory_dim, heads)
        self.norm_feed = nn.LayerNorm(dim)
        self.feed = FeedForward(dim, dropout)
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, memory: tuple[Tensor, Tensor], bias: Tensor, cache: KeyValueCache | None = None,
        *, need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Map (b, t, d) to (b, t, d) and the cross-attention weights where asked for."""
        x = x + self.drop(self.attention(self.norm_attention(x), cache=cache))
        attended, weights = self.cross(self.norm_cross(x), memory, bias, need_weights=need_weights)
        x = x + self.drop(attended)
        return x + self.drop(self.feed(self.norm_feed(x))), weights


def length_mask(lengths: Tensor, longest: int | None = None) -> Tensor:
    """Return (b, t), true at positions below each of ``lengths`` (b,)."""
    steps = torch.arange(int(longest or lengths.max()), device=lengths.device)
    return steps[None, :] < lengths[:, None]


def speaker_vector(embedding: nn.Embedding, speaker: Tensor) -> Tensor:
    """Return what (b, d) stands for who speaks: speakers (b,) or the shares of all speakers (b, n_speakers).

    Each module has an embedding of its own, so a blend is handed around as shares and mixed where it is used.
    """
    if speaker.dim() == 1:
        vector: Tensor = embedding(speaker)
        return vector
    return speaker.to(embedding.weight.dtype) @ embedding.weight
