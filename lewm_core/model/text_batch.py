"""Texts as bytes, and the units they fall into: what encoder and aligner read.

b batch   s text bytes   u text units   e channels
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lewm_core.text_units import unit_of_byte


@dataclass(frozen=True)
class TextBatch:
    """Texts as byte values, padded.

    Attributes:
        bytes: (b, s), 0 at padding.  unit_index: (b, s), -1 at padding.
        lengths: (b,) bytes.  units: (b,) text units.
    """

    bytes: Tensor
    unit_index: Tensor
    lengths: Tensor
    units: Tensor

    @classmethod
    def of(cls, texts: list[str]) -> TextBatch:
        """Encode ``texts`` (as the front end gave them) as UTF-8."""
        encoded = [list(text.encode("utf8")) for text in texts]
        units = [unit_of_byte(text) for text in texts]
        longest = max(len(row) for row in encoded)
        values = torch.zeros(len(texts), longest, dtype=torch.long)
        index = torch.full((len(texts), longest), -1)
        for row, (data, unit) in enumerate(zip(encoded, units, strict=True)):
            values[row, : len(data)] = torch.tensor(data)
            index[row, : len(data)] = torch.tensor(unit)
        lengths = torch.tensor([len(row) for row in encoded])
        return cls(values, index, lengths, index.amax(1) + 1)

    def labels(self, row: int = 0, *, of_bytes: bool = False) -> list[str]:
        """The text of each unit of a row, without the spaces around it.

        Args:
            of_bytes: of each byte instead: its character, "" for the further bytes of a character.
        """
        length = int(self.lengths[row])
        data = bytes(self.bytes[row, :length].tolist())
        if of_bytes:
            text = data.decode("utf8")
            return [part for c in text for part in (c, *[""] * (len(c.encode("utf8")) - 1))]
        index = self.unit_index[row, :length].tolist()
        of_unit: list[bytearray] = [bytearray() for _ in range(int(self.units[row]))]
        for byte, unit in zip(data, index, strict=True):
            of_unit[unit].append(byte)
        return [bytes(part).decode("utf8").strip() for part in of_unit]


def pool_units(features: Tensor, unit_index: Tensor, units: int) -> Tensor:
    """Average byte features (b, s, e) over the bytes of each unit.

    Args:
        unit_index: (b, s) unit of each byte, -1 at padding.
        units: number of units in the longest row.

    Returns:
        (b, units, e)
    """
    b, s, e = features.shape
    index = torch.where(unit_index < 0, units, unit_index)
    total = features.new_zeros(b, units + 1, e).scatter_add_(1, index.unsqueeze(-1).expand(b, s, e), features)
    count = features.new_zeros(b, units + 1).scatter_add_(
        1, index, torch.ones_like(index, dtype=features.dtype)
    )
    return total[:, :units] / count[:, :units].clamp_min(1.0).unsqueeze(-1)
