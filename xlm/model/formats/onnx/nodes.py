"""An ONNX graph under construction: nodes, constants, and the names of weights that nodes read.

graph = Graph()
hidden = graph.normalize("layer_norm_emb", graph.add("Gather", "embeddings.weight", "input_ids"))
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from xlm.model.encoder import NORM_EPSILON


@dataclass
class Graph:
    """Nodes in the order of computation. Methods return the name of the output that they add."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)
    """Names of the model's weights that the nodes read, once each."""

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any, dtype: type = np.int64) -> str:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, name: str) -> str:
        """Record that a weight is read."""
        if name not in self.weights:
            self.weights.append(name)
        return name

    def look_up(self, table: str, indices: str) -> str:
        """The rows of a weight at some indices."""
        return self.add("Gather", self.weight(table), indices)

    def linear(self, name: str, inputs_MD: str) -> str:
        """A linear layer of two-dimensional inputs."""
        return self.project(inputs_MD, f"{name}.weight", f"{name}.bias")

    def project(self, inputs_MD: str, weight: str, bias: str, output: str = "") -> str:
        """The product with a transposed weight, plus a bias."""
        parameters = self.weight(weight), self.weight(bias)
        return self.add("Gemm", inputs_MD, *parameters, output=output, transB=1)

    def normalize(self, name: str, inputs: str) -> str:
        """A layer norm over the last dimension."""
        parameters = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", inputs, *parameters, epsilon=NORM_EPSILON)
