"""The computation of a model as an ONNX graph.

    graph = build_graph(model)
    graph.nodes, graph.weights

The graph is written here and not traced from the encoder: the encoder packs its rows, which an
exporter cannot follow; torch's exporter takes 20 seconds for the smallest model, and its graph
changes with the version of torch. Weights keep the names and shapes of our other formats.

Shape legend: B rows, T positions of a row, M = B x T, S query positions of a row, H heads, E
dimension of a head, D dimension, V vocabulary, C labels.
"""

import numpy as np
from onnx import TensorProto

from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.onnx.nodes import Graph
from xlm.model.formats.ours import CLASSIFIER, EMBEDDINGS, HEAD_BIAS

INPUT_IDS, ATTENTION_MASK, LANGUAGE_IDS = INPUTS = ("input_ids", "attention_mask", "langs")
"""Names of the inputs, which are those of transformers; int64, (B, T)."""
OUTPUT = "logits"

_LANGUAGE_TABLE = "lang_embeddings.weight"
_LOWEST_SCORE = np.finfo(np.float32).min
"""Of padding. Minus infinity would make NaN of a row that is padding only."""


def build_graph(model: PortableModel) -> Graph:
    """Build the graph from `INPUTS` to `OUTPUT`, which has shape (B, C) or (B, T, V).

    Padding is at the end of a row. As in transformers, a language model's scores there are the bias
    of its head.
    """
    return _Builder(model).build()


class _Builder:
    def __init__(self, model: PortableModel) -> None:
        self.model, self.graph = model, Graph()
        sizes, graph = model.description.model, self.graph
        self.layers, self.dimension = sizes.layers, sizes.dimension
        self.head_dimension = sizes.dimension // sizes.heads
        self.rows = graph.add("Shape", INPUT_IDS, start=0, end=1)
        self.flat_shape = graph.constant([-1, sizes.dimension])
        split = graph.constant([-1, sizes.heads, self.head_dimension])
        self.split_shape = graph.add("Concat", self.rows, split, axis=0)
        """Of the heads, (B, S, H, E) with any S."""

    def build(self) -> Graph:
        graph, model = self.graph, self.model
        positions_T = self._positions()
        mask = self._attention_mask(positions_T)
        hidden_MD = graph.add("Reshape", self._embedded(positions_T), self.flat_shape)
        for layer in range(self.layers):
            is_last = layer == self.layers - 1
            # A classifier reads the first state of a row, so its last layer computes no others.
            query_MD = self._first(hidden_MD) if is_last and model.is_classifier else hidden_MD
            hidden_MD = self._layer(layer, query_MD, hidden_MD, mask)
        if model.is_classifier:
            graph.project(hidden_MD, f"{CLASSIFIER}weight", f"{CLASSIFIER}bias", output=OUTPUT)
        else:
            self._predict(hidden_MD)
        return graph

    def _positions(self) -> str:
        """0, 1, ..., T-1."""
        length_1 = self.graph.add("Shape", INPUT_IDS, start=1, end=2)
        length = self.graph.add("Squeeze", length_1, self.graph.constant([0]))
        return self.graph.add("Range", self.graph.constant(0), length, self.graph.constant(1))

    def _attention_mask(self, positions_T: str) -> str:
        """True where a position may be attended to, (B, 1, 1, T), or (B, 1, T, T) if causal."""
        graph = self.graph
        mask_BT = graph.add("Cast", ATTENTION_MASK, to=TensorProto.BOOL)
        mask_B11T = graph.add("Unsqueeze", mask_BT, graph.constant([1, 2]))
        if not self.model.description.causal:
            return mask_B11T
        queries_T1 = graph.add("Unsqueeze", positions_T, graph.constant([1]))
        return graph.add("And", mask_B11T, graph.add("GreaterOrEqual", queries_T1, positions_T))

    def _embedded(self, positions_T: str) -> str:
        """The normalized sum of the embeddings, (B, T, D)."""
        graph = self.graph
        tokens_BTD = graph.look_up(EMBEDDINGS, INPUT_IDS)
        positions_TD = graph.look_up("position_embeddings.weight", positions_T)
        sum_BTD = graph.add("Add", tokens_BTD, positions_TD)
        if _LANGUAGE_TABLE in self.model.weights:
            sum_BTD = graph.add("Add", sum_BTD, graph.look_up(_LANGUAGE_TABLE, LANGUAGE_IDS))
        return graph.normalize("layer_norm_emb", sum_BTD)

    def _first(self, hidden_MD: str) -> str:
        """The states of the first position of each row, (B, D)."""
        graph = self.graph
        shape = graph.add("Concat", self.rows, graph.constant([-1, self.dimension]), axis=0)
        hidden_BTD = graph.add("Reshape", hidden_MD, shape)
        return graph.add("Gather", hidden_BTD, graph.constant(0), axis=1)

    def _layer(self, number: int, query_MD: str, hidden_MD: str, mask: str) -> str:
        """A layer's states at the query positions."""
        graph = self.graph
        mixed_MD = self._attend(f"attentions.{number}", query_MD, hidden_MD, mask)
        hidden_MD = graph.normalize(f"layer_norm1.{number}", graph.add("Add", query_MD, mixed_MD))
        inner_MD = graph.add("Gelu", graph.linear(f"ffns.{number}.lin1", hidden_MD))
        fed_MD = graph.linear(f"ffns.{number}.lin2", inner_MD)
        return graph.normalize(f"layer_norm2.{number}", graph.add("Add", hidden_MD, fed_MD))

    def _attend(self, name: str, query_MD: str, hidden_MD: str, mask: str) -> str:
        """Multi-head attention from the query positions to all."""
        graph = self.graph
        query_BHSE = self._split(f"{name}.q_lin", query_MD, [0, 2, 1, 3])
        key_BHET = self._split(f"{name}.k_lin", hidden_MD, [0, 2, 3, 1])
        value_BHTE = self._split(f"{name}.v_lin", hidden_MD, [0, 2, 1, 3])
        scale = graph.constant(self.head_dimension**-0.5, np.float32)
        query_BHSE = graph.add("Mul", query_BHSE, scale)
        scores_BHST = graph.add("MatMul", query_BHSE, key_BHET)
        lowest = graph.constant(_LOWEST_SCORE, np.float32)
        weights_BHST = graph.add("Softmax", graph.add("Where", mask, scores_BHST, lowest), axis=-1)
        mixed_BHSE = graph.add("MatMul", weights_BHST, value_BHTE)
        mixed_BSHE = graph.add("Transpose", mixed_BHSE, perm=[0, 2, 1, 3])
        return graph.linear(f"{name}.out_lin", graph.add("Reshape", mixed_BSHE, self.flat_shape))

    def _split(self, projection: str, inputs_MD: str, order: list[int]) -> str:
        """The heads of a projection, with (B, S, H, E) in another order."""
        projected_MD = self.graph.linear(projection, inputs_MD)
        heads_BSHE = self.graph.add("Reshape", projected_MD, self.split_shape)
        return self.graph.add("Transpose", heads_BSHE, perm=order)

    def _predict(self, hidden_MD: str) -> None:
        """The scores of every id at every position."""
        graph = self.graph
        mask_BT = graph.add("Cast", ATTENTION_MASK, to=TensorProto.FLOAT)
        mask_M1 = graph.add("Reshape", mask_BT, graph.constant([-1, 1]))
        states_MD = graph.add("Mul", hidden_MD, mask_M1)
        scores_MV = graph.project(states_MD, EMBEDDINGS, HEAD_BIAS)
        vocabulary = graph.constant([self.model.description.vocabulary_size])
        shape = graph.add("Concat", graph.add("Shape", INPUT_IDS), vocabulary, axis=0)
        graph.add("Reshape", scores_MV, shape, output=OUTPUT)
