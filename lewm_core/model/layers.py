"""Layers that several parts share: rotary positions, attention with a cache, transformer blocks.

b batch   t query steps   s key steps   h heads   d width of a layer
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SHORT_ATTENTION = 512 * 512  # query times key steps


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Turn pairs of channels by angles that grow with position (RoPE, arXiv 2104.09864).

    Args:
        x: (b, h, t, e) queries or keys; e is even.
        positions: (t,) or (b, t) positions, whole or fractional.

    Returns:
        (b, h, t, e), the type of ``x``.
    """
    half = x.shape[-1] // 2
    rates = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.to(torch.float32).unsqueeze(-1) * rates
    if angles.dim() == 3:
        angles = angles.unsqueeze(1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


@dataclass
class KeyValueCache:
    """Keys and values of one attention layer, allocated once for the longest allowed sequence.

    ``keys`` and ``values`` are (b, h, max_steps, e); the first ``length`` steps are filled.
    """

    keys: Tensor
    values: Tensor
    length: int = 0

    @classmethod
    def empty(cls, batch: int, heads: int, max_steps: int, width: int, like: Tensor) -> KeyValueCache:
        """Allocate a cache with the device and type of ``like``."""
        shape = (batch, heads, max_steps, width)
        return cls(like.new_zeros(shape), like.new_zeros(shape))

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store new steps (b, h, t, e) and return views of everything stored so far.

        Raises:
            IndexError: the cache is full.
        """
        end = self.length + keys.shape[2]
        if end > self.keys.shape[2]:
            raise IndexError(f"the cache holds {self.keys.shape[2]} steps; {end} were asked for")
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
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


def causal_bias(steps: int, start: int, like: Tensor) -> Tensor:
    """Hide the future from ``steps`` new steps behind ``start`` old ones, (1, 1, steps, start + steps)."""
    ahead = torch.ones(steps, start + steps, dtype=torch.bool, device=like.device).triu(start + 1)
    return torch.zeros(steps, start + steps, device=like.device).masked_fill(ahead, float("-inf"))[None, None]


class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions, causal or not, cached or not."""

    def __init__(self, dim: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.project_in = nn.Linear(dim, 3 * dim)
        self.project_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: KeyValueCache | None = None) -> Tensor:
        """Attend over ``x`` (b, t, d) and, when given, over the steps in ``cache``.

        Args:
            mask: (b, t) true at real steps; only for the non-causal case (right padding needs no
                mask under a causal one).
        """
        b, t, d = x.shape
        query, key, value = (
            self.project_in(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        )
        start = cache.length if cache is not None else 0
        positions = torch.arange(start, start + t, device=x.device)
        query, key = rotate(query, positions), rotate(key, positions)
        if cache is not None:
            key, value = cache.append(key, value)
        bias = None if mask is None else padding_bias(mask, x)
        if self.causal and t > 1:
            bias = causal_bias(t, start, x)
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
