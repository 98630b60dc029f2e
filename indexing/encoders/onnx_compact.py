"""A compact form of a model's graph, for queries: its weights have 8 bits instead of 32.

A query is so short that reading the weights takes most of its time. ONNX Runtime's own dynamic quantisation rounds
all activations of a layer with one step, and loses too much (`batching.py`). Here every token has a step of its own,
so that no text depends on another. And what follows a layer normalisation has a few large channels, which would leave
the others few of the 8 bits: their size is moved into the weights (SmoothQuant: Xiao et al., ICML 2023) by a second
normalisation with other factors, which changes nothing but the rounding.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.onnx_graph import CannotExport
from indexing.encoders.onnx_runtime import onnxruntime
from indexing.lib.messages import message

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

LEAST_BYTES = 4 * 1024**2
"""Float32 weights below this fit into a processor's cache, and the compact form would gain nothing."""
SMOOTHING = 0.65
"""How much of a channel's size moves into the weights, from 0 to 1; from .55 to .7 the vectors are as exact."""
STEP = np.float32(1 / 127)
TINY = np.float32(1e-12)
CONTRIB = "com.microsoft"

Feed = Mapping[str, NDArray[np.int64]]


def write_compact(source: Path, target: Path, feeds: Iterable[Feed]) -> None:
    """Write the compact form of the graph in `source` to `target`.

    `feeds` are inputs of the graph, by which the size of its activations is measured. Raises CannotExport if too few
    weights are multiplied for it to pay.
    """
    onnx = _onnx()
    graph = _Graph(onnx.load(source))
    if graph.bytes_multiplied() < LEAST_BYTES:
        raise CannotExport(message("its weights are so few that a compact form would be no faster"))
    graph.smooth(_largest(graph.model, [name for name in graph.groups if graph.follows_normalisation(name)], feeds))
    graph.quantise()
    onnx.save(graph.model, target)


def _onnx() -> Any:
    return importlib.import_module("onnx")  # only where models are exported is it installed


def _largest(model: ModelProto, names: list[str], feeds: Iterable[Feed]) -> dict[str, NDArray[np.float32]]:
    """Tensor -> float32[channels], the largest absolute value of each channel."""
    onnx = _onnx()
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, NDArray[np.float32]] = {}
    for feed in feeds:
        for name, values in zip(names, session.run(names, dict(feed)) if names else (), strict=True):
            found = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, found), found)
    return largest


class _Graph:
    """A graph while it is changed."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self._onnx = _onnx()
        self._constants = {each.name: each for each in model.graph.initializer}
        self._made_by = {name: node for node in model.graph.node for name in node.output}
        self.groups: dict[str, list[NodeProto]] = {}
        """Activation -> the nodes that multiply it by constant weights, float32[k, n]."""
        for node in model.graph.node:
            if node.op_type == "MatMul" and self._is_weight(node.input[1]):
                self.groups.setdefault(node.input[0], []).append(node)

    def _is_weight(self, name: str) -> bool:
        constant = self._constants.get(name)
        return constant is not None and len(constant.dims) == 2 and constant.data_type == 1

    def _array(self, name: str) -> NDArray[np.float32]:
        array: NDArray[np.float32] = self._onnx.numpy_helper.to_array(self._constants[name])
        return array

    def _constant(self, name: str, values: Any) -> str:
        if name not in self._constants:
            tensor = self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
            self._constants[name] = tensor
            self.model.graph.initializer.append(tensor)
        return name

    def bytes_multiplied(self) -> int:
        """Bytes of all weights that are multiplied."""
        return sum(self._array(node.input[1]).nbytes for nodes in self.groups.values() for node in nodes)

    def follows_normalisation(self, name: str) -> bool:
        """Whether a layer normalisation with constant factors makes this tensor."""
        node = self._made_by.get(name)
        return (
            node is not None
            and node.op_type == "LayerNormalization"
            and all(each in self._constants for each in node.input[1:])
        )

    def smooth(self, largest: Mapping[str, NDArray[np.float32]]) -> None:
        """Give the nodes that multiply these tensors another one, with channels of like size; the products stay."""
        for name, values in largest.items():
            nodes = self.groups.pop(name)
            weights = np.max([np.abs(self._array(node.input[1])).max(axis=1) for node in nodes], axis=0)
            factors = np.maximum(weights, TINY) ** (1 - SMOOTHING) / np.maximum(values, TINY) ** SMOOTHING
            factors = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
            self.groups[self._scaled(name, factors)] = nodes
            for node in nodes:
                smoothed = self._array(node.input[1]) / factors[:, None]
                node.input[0] = f"{name}/smooth"
                node.input[1] = self._constant(f"{node.output[0]}/smooth", smoothed)

    def _scaled(self, name: str, factors: NDArray[np.float32]) -> str:
        """Add a layer normalisation like that which makes this tensor, with each channel times its factor."""
        earlier = self._made_by[name]
        node = self._onnx.NodeProto()
        node.CopyFrom(earlier)
        node.name = node.output[0] = f"{name}/smooth"
        for at, each in enumerate(earlier.input[1:], 1):
            node.input[at] = self._constant(f"{name}/smooth{at}", self._array(each) * factors)
        self.model.graph.node.insert(list(self.model.graph.node).index(earlier) + 1, node)
        return node.name

    def quantise(self) -> None:
        """Replace the multiplications by those of integers."""
        first = {nodes[0].output[0] for nodes in self.groups.values()}
        multiplied = {node.output[0] for nodes in self.groups.values() for node in nodes}
        nodes: list[NodeProto] = []
        for node in self.model.graph.node:
            if node.output[0] in first:
                nodes += self._rounded(node.input[0])
            nodes += self._multiplied(node) if node.output[0] in multiplied else [node]
        self._replace(nodes)

    def _rounded(self, name: str) -> list[NodeProto]:
        """Nodes that divide each row of an activation by its largest value, and round it to 8 bits."""
        make = self._onnx.helper.make_node
        step, middle = self._constant("compact/step", STEP), self._constant("compact/middle", np.uint8(128))
        return [
            make("Abs", [name], [f"{name}/abs"]),
            make("ReduceMax", [f"{name}/abs"], [f"{name}/max"], axes=[-1], keepdims=1),
            make("Max", [f"{name}/max", self._constant("compact/tiny", TINY)], [f"{name}/row"]),
            make("Div", [name, f"{name}/row"], [f"{name}/unit"]),
            make("QuantizeLinear", [f"{name}/unit", step, middle], [f"{name}/rounded"]),
        ]

    def _multiplied(self, node: NodeProto) -> list[NodeProto]:
        """Nodes that multiply what `_rounded` made by the weights of `node`, rounded with a step for each column."""
        make, (name, weight), (result,) = self._onnx.helper.make_node, node.input[:2], node.output
        weights = self._array(weight)
        steps = np.maximum(np.abs(weights).max(axis=0), TINY) * STEP
        inputs = [
            f"{name}/rounded",
            self._constant(f"{result}/rounded", np.rint(weights / steps).astype(np.int8)),
            "compact/step",
            self._constant(f"{result}/steps", steps),
            "compact/middle",
            self._constant("compact/zero", np.int8(0)),
        ]
        return [
            make("MatMulIntegerToFloat", inputs, [f"{result}/unit"], domain=CONTRIB),
            make("Mul", [f"{result}/unit", f"{name}/row"], [result]),
        ]

    def _replace(self, nodes: list[NodeProto]) -> None:
        """Take these nodes instead, and drop the constants that none of them reads."""
        graph = self.model.graph
        del graph.node[:]
        graph.node.extend(nodes)
        read = {name for node in nodes for name in node.input}
        kept = [each for each in graph.initializer if each.name in read]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        self.model.opset_import.append(self._onnx.helper.make_opsetid(CONTRIB, 1))
