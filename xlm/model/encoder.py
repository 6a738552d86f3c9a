"""The XLM encoder: learned positions and languages, post-norm layers, a tied prediction head.

    encoder = Encoder(description)
    hidden_BTD = encoder(tokens_BT, languages_BT, attention_mask_BT=tokens_BT != PAD)
    logits_NV = encoder.predict(hidden_BTD.flatten(0, 1)[selected_N])

`forward` takes padded rows and packs them; `states` takes a packed batch. Everything is computed on
packed tokens, and only attention depends on rows, so padding costs nothing. Parameter names and
shapes are the original's (reference xlm-spec 2.3).

Shape legend: B rows, T positions of a row, M = B x T, P packed tokens, N selected positions, D
dimension, V vocabulary.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlm.bpe.vocabulary import PAD
from xlm.model.attention import Attention, AttentionContext
from xlm.model.cpu.dropout import DropoutRNG, add_dropped, dropout_rng_from_torch
from xlm.model.cpu.linear import Linear, linear
from xlm.model.formats.description import ModelDescription
from xlm.model.head import PredictionHead
from xlm.model.packing import PackedBatch, PackedSequences, SelectedPositions, pack

NORM_EPSILON = 1e-12
"""The original's; HF's default is the same."""

_SITES_PER_LAYER = 3
"""Dropouts of a layer; site 0 is the dropout of the embeddings."""


class FeedForward(nn.Module):
    """Two linear layers with exact (erf) GELU between them; the inner dimension is 4 D."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.lin1 = Linear(dimension, 4 * dimension)
        self.lin2 = Linear(4 * dimension, dimension)

    def forward(self, hidden_PD: Tensor) -> Tensor:
        """Apply the layers to each token, (P, D)."""
        out_PD: Tensor = self.lin2(F.gelu(self.lin1(hidden_PD)))
        return out_PD


class Encoder(nn.Module):
    """Tokens, positions and languages in, states of the last layer out."""

    def __init__(self, description: ModelDescription) -> None:
        super().__init__()
        model, languages = description.model, len(description.languages)
        dimension = model.dimension
        self.description = description
        self.dropout = model.dropout
        self.recompute_activations = False
        """Keep only the input of each layer, and recompute the rest in the backward pass."""
        self.position_embeddings = nn.Embedding(model.max_positions, dimension)
        if languages > 1:
            self.lang_embeddings = nn.Embedding(languages, dimension)
        self.embeddings = nn.Embedding(description.vocabulary_size, dimension, padding_idx=PAD)
        self.layer_norm_emb = nn.LayerNorm(dimension, eps=NORM_EPSILON)
        self.attentions = nn.ModuleList(
            Attention(dimension, model.heads, model.attention_dropout) for _ in range(model.layers)
        )
        self.layer_norm1 = self._norms()
        self.ffns = nn.ModuleList(FeedForward(dimension) for _ in range(model.layers))
        self.layer_norm2 = self._norms()
        self.pred_layer = PredictionHead(dimension, description.vocabulary_size)
        self.pred_layer.proj.weight = self.embeddings.weight

    def forward(
        self,
        tokens_BT: Tensor,
        languages_BT: Tensor,
        positions_BT: Tensor | None = None,
        attention_mask_BT: Tensor | None = None,
        *,
        causal: bool = False,
    ) -> Tensor:
        """States of the last layer, (B, T, D), zeros at padding.

        Args:
            positions_BT: None: 0..T-1.
            attention_mask_BT: True at tokens, False at padding; None: no padding.
            causal: a position attends only to itself and to earlier positions.
        """
        packed = pack(tokens_BT, languages_BT, positions_BT, attention_mask_BT)
        states_PD = self.states(packed, causal=causal)
        shape = (*tokens_BT.shape, states_PD.shape[1])
        if packed.indices_P is None:
            return states_PD.view(shape)
        states_MD = states_PD.new_zeros(tokens_BT.numel(), shape[2])
        return states_MD.index_copy(0, packed.indices_P, states_PD).view(shape)

    def states(
        self,
        packed: PackedBatch,
        selected: SelectedPositions | None = None,
        *,
        causal: bool = False,
        dropout_rng: DropoutRNG | None = None,
        sparse: bool = False,
        layers: int | None = None,
    ) -> Tensor:
        """States of the last layer at every token, (P, D), or at the selected ones, (N, D).

        With `selected`, the last layer computes only the selected states.

        Args:
            dropout_rng: random numbers of dropout on a CPU; None: seeded by torch's generator.
            sparse: make the gradient of the token embeddings sparse on a CPU. This is only for
                losses that also use the head: its dense gradient of the same weight absorbs the
                sparse one. Adam rejects a gradient that is sparse alone.
            layers: stop after this many layers; 0: the normalized embeddings; None: all.
        """
        sequences = packed.sequences
        on_cpu = packed.tokens_P.device.type == "cpu" and not torch.compiler.is_compiling()
        if on_cpu and dropout_rng is None and self._has_dropout():
            dropout_rng = dropout_rng_from_torch(sequences.rows)
        context = AttentionContext(
            sequences, causal, dropout_rng if on_cpu else None, by_rows=on_cpu
        )
        embedded_PD = F.embedding(
            packed.tokens_P, self.embeddings.weight, PAD, sparse=on_cpu and sparse
        ) + self.position_embeddings(packed.positions_P)
        if hasattr(self, "lang_embeddings"):
            embedded_PD = embedded_PD + self.lang_embeddings(packed.languages_P)
        hidden_PD = self._drop(self.layer_norm_emb(embedded_PD), None, context, sequences, 0)
        count = len(self.attentions) if layers is None else layers
        last = count - 1
        for number in range(count):
            # With `causal`, nearly every token is selected, and it needs the ones before it.
            selected_here = selected if number == last and not causal else None
            if self.recompute_activations and self.training:
                hidden_PD = checkpoint(
                    self._layer, hidden_PD, number, context, selected_here, use_reentrant=False
                )
            else:
                hidden_PD = self._layer(hidden_PD, number, context, selected_here)
        if selected is not None and (causal or not count):
            return hidden_PD.index_select(0, selected.indices_N)
        return hidden_PD

    def _layer(
        self,
        hidden_PD: Tensor,
        number: int,
        context: AttentionContext,
        selected: SelectedPositions | None,
    ) -> Tensor:
        site = _SITES_PER_LAYER * number + 1
        mixed_ND = self.attentions[number](hidden_PD, context, site, selected)
        sequences = context.sequences
        if selected is not None:
            hidden_PD = hidden_PD.index_select(0, selected.indices_N)
            sequences = selected.sequences
        summed_ND = self._drop(mixed_ND, hidden_PD, context, sequences, site + 1)
        hidden_ND = self.layer_norm1[number](summed_ND)
        fed_ND = self.ffns[number](hidden_ND)
        summed_ND = self._drop(fed_ND, hidden_ND, context, sequences, site + 2)
        out_ND: Tensor = self.layer_norm2[number](summed_ND)
        return out_ND

    def predict(self, states_ND: Tensor) -> Tensor:
        """Scores of every id for the given states, (N, V)."""
        return linear(states_ND, self.embeddings.weight, self.pred_layer.proj.bias)

    def set_dropout(self, *, hidden: float | None = None, attention: float | None = None) -> None:
        """Change the dropout rates; None leaves a rate as it is."""
        if hidden is not None:
            self.dropout = hidden
        for module in self.attentions:
            assert isinstance(module, Attention)
            if attention is not None:
                module.dropout = attention

    def freeze(self, layers: int) -> None:
        """Freeze the embeddings and the first layers.

        The head shares its weight with the token embeddings, so it is frozen too.
        """
        frozen = [self.embeddings, self.position_embeddings, self.layer_norm_emb, self.pred_layer]
        frozen += [module for name, module in self.named_children() if name == "lang_embeddings"]
        for stack in (self.attentions, self.layer_norm1, self.ffns, self.layer_norm2):
            frozen += list(stack)[:layers]
        for module in frozen:
            module.requires_grad_(False)

    def _has_dropout(self) -> bool:
        attentions = (module for module in self.attentions if isinstance(module, Attention))
        rates = [self.dropout, *(attention.dropout for attention in attentions)]
        return self.training and any(rates)

    def _drop(
        self,
        branch_PD: Tensor,
        residual_PD: Tensor | None,
        context: AttentionContext,
        sequences: PackedSequences,
        site: int,
    ) -> Tensor:
        """The branch with dropout (in training), plus the residual if there is one."""
        rate = self.dropout if self.training else 0.0
        if rate > 0 and context.dropout_rng is not None:
            sizes = [branch_PD.shape[1] * length for length in sequences.lengths]
            mask = context.dropout_rng.mask(site, sizes, rate)
            return add_dropped(branch_PD, residual_PD, mask)
        dropped_PD = F.dropout(branch_PD, rate) if rate > 0 else branch_PD
        return dropped_PD if residual_PD is None else residual_PD + dropped_PD

    def _norms(self) -> nn.ModuleList:
        model = self.description.model
        return nn.ModuleList(
            nn.LayerNorm(model.dimension, eps=NORM_EPSILON) for _ in range(model.layers)
        )
