"""A graph of ONNX operators, written down node by node from weights, without torch.

    graph = Graph("decoder", "int8")
    x = graph.input("latents", ("n", 32))
    graph.output(graph.linear(x, weight, bias), "hidden", ("n", 384))
    data = graph.to_bytes()

Linear layers are kept in float32, or in eight bits: blocks of ``BLOCK`` weights and of inputs share a scale, sums
are kept in float32. Either way a row of the result depends on the same row of the input alone: what else is in a
batch does not change how a row is rounded. (DynamicQuantizeMatMul, which is three times faster for sixteen rows,
shares one scale among them.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OPSET = 20
CONTRIB = "com.microsoft"
"""Operators that ONNX Runtime has beyond the standard."""
PRECISIONS = ("float32", "int8")
BLOCK = 64
"""Weights of a row that share a scale."""
_MIDDLE, _LARGEST = 128, 127  # the byte that stands for zero, and how far others are from it
_EIGHT_BIT_INPUTS = 4  # an accuracy_level of MatMulNBits

Dims = Sequence[int | str]


class Graph:
    """Nodes in the order of calculation; values are known by name.

    Args:
        precision: of the linear layers, one of ``PRECISIONS``.

    Raises:
        ValueError: there is no such precision.
    """

    def __init__(self, name: str, precision: str = "float32") -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(PRECISIONS)}")
        self.name, self.precision = name, precision
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def input(self, name: str, dims: Dims, kind: type = np.float32) -> str:
        """Declare an input; a dimension that is a word may have any length."""
        from onnx import helper  # writing needs it, running a graph that was written does not

        element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        self._inputs.append(helper.make_tensor_value_info(name, element, list(dims)))
        return name

    def output(self, value: str, name: str, dims: Dims) -> None:
        """Declare ``value`` an output (float32) under ``name``."""
        from onnx import TensorProto, helper

        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims)))

    def constant(self, array: np.ndarray | np.generic) -> str:
        """Keep an array or a single number in the graph."""
        from onnx import numpy_helper

        name = self._name("constant")
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Apply an operator with one result."""
        return self.ops(kind, *inputs, results=1, domain=domain, **attributes)[0]

    def ops(
        self, kind: str, *inputs: str, results: int, domain: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        """Apply an operator with several results."""
        from onnx import helper

        names = tuple(self._name(kind) for _ in range(results))
        self._nodes.append(helper.make_node(kind, list(inputs), list(names), domain=domain, **attributes))
        return names

    def linear(
        self, x: str, weight: np.ndarray, bias: np.ndarray | None = None, *, exact: bool = False
    ) -> str:
        """``x`` (n, i) times the transpose of ``weight`` (o, i), plus ``bias`` (o,).

        Args:
            exact: keep it in float32 whatever the graph's precision is.
        """
        given = [] if bias is None else [self.constant(bias)]
        if exact or self.precision == "float32":
            return self.op("Gemm", x, self.constant(weight.T), *given)
        packed, scales = in_blocks(weight)
        return self.op(
            "MatMulNBits", x, self.constant(packed), self.constant(scales), "", "", *given, domain=CONTRIB,
            K=weight.shape[1], N=weight.shape[0], bits=8, block_size=BLOCK, accuracy_level=_EIGHT_BIT_INPUTS,
        )  # fmt: skip

    def layer_norm(self, x: str, weight: np.ndarray, bias: np.ndarray, epsilon: float = 1e-5) -> str:
        """Normalise the last axis."""
        return self.op("LayerNormalization", x, self.constant(weight), self.constant(bias), epsilon=epsilon)

    def reshape(self, x: str, *dims: int) -> str:
        """Reshape; -1 takes what is left."""
        return self.op("Reshape", x, self.constant(np.array(dims, np.int64)))

    def rows(self, x: str, start: int, stop: int | None = None, axis: int = 0) -> str:
        """``x[start:stop]`` along ``axis``."""
        whole = np.iinfo(np.int64).max
        ends = [np.array([value], np.int64) for value in (start, whole if stop is None else stop, axis)]
        return self.op("Slice", x, *(self.constant(value) for value in ends))

    def to_bytes(self) -> bytes:
        """The finished model."""
        from onnx import helper

        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._weights)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="lewm", ir_version=10)
        data: bytes = model.SerializeToString()
        return data

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


class Layers:
    """The layers of a checkpoint, by the names of its weights, put into a graph.

    Args:
        weights: arrays by name.  prefix: what all names begin with, "predictor." for instance.
    """

    def __init__(self, graph: Graph, weights: dict[str, np.ndarray], prefix: str = "") -> None:
        self.graph, self._weights, self._prefix = graph, weights, prefix

    def __getitem__(self, name: str) -> np.ndarray:
        """The array of that name, float32."""
        array: np.ndarray = np.asarray(self._weights[self._prefix + name], np.float32)
        return array

    def linear(self, x: str, name: str, *, exact: bool = False) -> str:
        """A linear layer with bias; see ``Graph.linear``."""
        return self.graph.linear(x, self[f"{name}.weight"], self[f"{name}.bias"], exact=exact)

    def norm(self, x: str, name: str, epsilon: float = 1e-5) -> str:
        """A LayerNorm."""
        return self.graph.layer_norm(x, self[f"{name}.weight"], self[f"{name}.bias"], epsilon)

    def feed(self, x: str, first: str, second: str) -> str:
        """Two linear layers with GELU between."""
        return self.linear(self.graph.op("Gelu", self.linear(x, first)), second)

    def convolution(self, windows: str, name: str) -> str:
        """A convolution whose input windows lie in rows (n, width * channels); see ``unfolded``."""
        weight = self[f"{name}.weight"]
        flat = weight.transpose(0, 2, 1).reshape(len(weight), -1)
        return self.graph.linear(windows, flat, self[f"{name}.bias"])


def unfolded(graph: Graph, padded: str, width: int) -> str:
    """Windows of ``width`` rows of ``padded`` (n + width - 1, c), as (n, width * c)."""
    parts = [graph.rows(padded, k, k - width + 1 or None) for k in range(width)]
    return graph.op("Concat", *parts, axis=1)


@dataclass
class FlowRows:
    """What a graph over a sequence that comes in pieces is given besides the piece; see ``Flow``."""

    states: list[tuple[str, int, int]] = field(default_factory=list)
    tails: list[tuple[str, int, int]] = field(default_factory=list)


class Flow(FlowRows):
    """Convolutions over a sequence that comes in pieces.

    Each of them keeps the rows that its next windows begin with. Before the first piece these are the zeros that
    the whole sequence would be padded with; with the last piece come the zeros behind it. So the pieces joined are
    what the whole would give, and nothing is calculated twice.

    Attributes:
        states: (name, rows at the beginning, channels) of each, to be given and taken as ``NAME`` and ``NAME_next``.
        tails: (name, rows, channels) of the zeros that come with the last piece; no rows before it.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph

    def padded(self, x: str, width: int, channels: int) -> str:
        """``x`` (n, c) with the rows before it, and at the end those behind it, for windows of odd ``width``."""
        graph, half = self._graph, width // 2
        name, tail = f"state_{len(self.states)}", f"tail_{half}_{channels}"
        state = graph.input(name, (f"{name}_rows", channels))
        self.states.append((name, half, channels))
        if (tail, half, channels) not in self.tails:
            graph.input(tail, (f"{tail}_rows", channels))
            self.tails.append((tail, half, channels))
        joined = graph.op("Concat", state, x, tail, axis=0)
        graph.output(graph.rows(joined, 1 - width), f"{name}_next", (f"{name}_next_rows", channels))
        return joined

    def centre(self, padded: str, width: int) -> str:
        """The rows that windows of odd ``width`` over ``padded`` have in their middle."""
        return self._graph.rows(padded, width // 2, -(width // 2))


def in_blocks(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round ``weight`` (o, i) to bytes around 128 with a scale a block of ``BLOCK``.

    Returns:
        (o, blocks, BLOCK) bytes, the last block filled up with zeros, and (o, blocks) scales.
    """
    rows, columns = weight.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks * BLOCK), np.float32)
    padded[:, :columns] = weight
    padded = padded.reshape(rows, blocks, BLOCK)
    scales = np.abs(padded).max(axis=2) / _LARGEST
    steps = padded / np.where(scales == 0, 1, scales)[:, :, None]
    return (np.rint(steps) + _MIDDLE).astype(np.uint8), scales.astype(np.float32)
