"""The XLM encoder: learned positions and languages, post-norm layers, a tied prediction head.

    encoder = Encoder(description)
    hidden_BTD = encoder(tokens_BT, languages_BT, real_BT=tokens_BT != PAD)
    logits_NV = encoder.predict(hidden_BTD.flatten(0, 1)[selected_N])

Three layouts: full rows (streams), padded rows (`real_BT`), and places laid end to end
(`encoder.states`), which is what is computed in every case: nothing but attention sees rows, and
padding costs nothing. Parameter names and shapes are the original's (reference xlm-spec 2.3).

Shape legend: B rows, T cells of a row, P places that hold a token, N chosen places, D dimension,
V vocabulary.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlm.bpe.vocabulary import PAD
from xlm.model.attention import Attention, Context
from xlm.model.cpu.linear import Linear, linear
from xlm.model.dropout import RowNoise, add_dropped, noise_of_torch
from xlm.model.formats.description import ModelDescription
from xlm.model.head import PredictionHead
from xlm.model.packing import Layout
from xlm.model.positions import Asked, Places, pack

NORM_EPSILON = 1e-12
"""The original's; HF's default is the same."""

_SITES = 3
"""Places in a layer where something is dropped; the embeddings' is number 0."""


class FeedForward(nn.Module):
    """Two linear layers, four times as wide between them, exact (erf) GELU."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.lin1 = Linear(dimension, 4 * dimension)
        self.lin2 = Linear(4 * dimension, dimension)

    def forward(self, hidden_PD: Tensor) -> Tensor:
        """Each place on its own."""
        out_PD: Tensor = self.lin2(F.gelu(self.lin1(hidden_PD)))
        return out_PD


class Encoder(nn.Module):
    """Tokens, positions and languages in, last-layer states out."""

    def __init__(self, description: ModelDescription) -> None:
        super().__init__()
        model, languages = description.model, len(description.languages)
        dimension = model.dimension
        self.description = description
        self.dropout = model.dropout
        self.recompute_activations = False
        """Keep only each layer's input, and compute the rest again in the backward pass."""
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
        real_BT: Tensor | None = None,
        *,
        causal: bool = False,
    ) -> Tensor:
        """States of the last layer, (B, T, D), zeros at padding.

        `positions_BT` defaults to 0..T-1; `real_BT` (bool) is False at padding, None: no padding.
        `causal`: a place sees only itself and what is before it.
        """
        places = pack(tokens_BT, languages_BT, positions_BT, real_BT)
        states_PD = self.states(places, causal=causal)
        shape = (*tokens_BT.shape, states_PD.shape[1])
        if places.cells_P is None:
            return states_PD.view(shape)
        states_CD = states_PD.new_zeros(tokens_BT.numel(), shape[2])
        return states_CD.index_copy(0, places.cells_P, states_PD).view(shape)

    def states(
        self,
        places: Places,
        asked: Asked | None = None,
        *,
        causal: bool = False,
        noise: RowNoise | None = None,
        sparse: bool = False,
    ) -> Tensor:
        """States of the last layer at every place, (P, D), or at the asked ones, (N, D).

        Where only some are asked for, the last layer computes no others. `noise`: what dropout on
        a CPU draws from; None: from numbers of torch's generator. `sparse`: on a CPU the gradient
        of the token embeddings is sparse. Only for losses that use the head too: the gradient of
        the head is dense and takes the sparse one up. Adam refuses one that is sparse alone.
        """
        on_cpu = places.tokens_P.device.type == "cpu" and not torch.compiler.is_compiling()
        if on_cpu and noise is None and self._drops():
            noise = noise_of_torch(places.layout.rows)
        context = Context(places.layout, causal, noise if on_cpu else None, by_rows=on_cpu)
        embedded_PD = F.embedding(
            places.tokens_P, self.embeddings.weight, PAD, sparse=on_cpu and sparse
        ) + self.position_embeddings(places.positions_P)
        if hasattr(self, "lang_embeddings"):
            embedded_PD = embedded_PD + self.lang_embeddings(places.languages_P)
        hidden_PD = self._drop(self.layer_norm_emb(embedded_PD), None, context, places.layout, 0)
        last = len(self.attentions) - 1
        for number in range(len(self.attentions)):
            # With `causal` nearly every place is asked for, and those before it are needed.
            asked_here = asked if number == last and not causal else None
            if self.recompute_activations and self.training:
                hidden_PD = checkpoint(
                    self._layer, hidden_PD, number, context, asked_here, use_reentrant=False
                )
            else:
                hidden_PD = self._layer(hidden_PD, number, context, asked_here)
        if asked is not None and causal:
            return hidden_PD.index_select(0, asked.places_N)
        return hidden_PD

    def _layer(
        self, hidden_PD: Tensor, number: int, context: Context, asked: Asked | None
    ) -> Tensor:
        site = _SITES * number + 1
        mixed_ND = self.attentions[number](hidden_PD, context, site, asked)
        layout = context.layout
        if asked is not None:
            hidden_PD, layout = hidden_PD.index_select(0, asked.places_N), asked.layout
        summed_ND = self._drop(mixed_ND, hidden_PD, context, layout, site + 1)
        hidden_ND = self.layer_norm1[number](summed_ND)
        summed_ND = self._drop(self.ffns[number](hidden_ND), hidden_ND, context, layout, site + 2)
        out_ND: Tensor = self.layer_norm2[number](summed_ND)
        return out_ND

    def predict(self, states_ND: Tensor) -> Tensor:
        """Scores of every id, (N, V), for the given states only."""
        return linear(states_ND, self.embeddings.weight, self.pred_layer.proj.bias)

    def set_dropout(self, *, hidden: float | None = None, attention: float | None = None) -> None:
        """Use other dropouts from now on; None: as before."""
        if hidden is not None:
            self.dropout = hidden
        for module in self.attentions:
            assert isinstance(module, Attention)
            if attention is not None:
                module.dropout = attention

    def freeze(self, layers: int) -> None:
        """Keep the first layers, and with them all that lies below, from being trained.

        The head shares its weight with the token embeddings and stays with them.
        """
        below = [self.embeddings, self.position_embeddings, self.layer_norm_emb, self.pred_layer]
        below += [module for name, module in self.named_children() if name == "lang_embeddings"]
        for stack in (self.attentions, self.layer_norm1, self.ffns, self.layer_norm2):
            below += list(stack)[:layers]
        for module in below:
            module.requires_grad_(False)

    def _drops(self) -> bool:
        attentions = (module for module in self.attentions if isinstance(module, Attention))
        rates = [self.dropout, *(attention.dropout for attention in attentions)]
        return self.training and any(rates)

    def _drop(
        self,
        branch_PD: Tensor,
        residual_PD: Tensor | None,
        context: Context,
        layout: Layout,
        site: int,
    ) -> Tensor:
        """The branch with dropout in training, and the residual added."""
        rate = self.dropout if self.training else 0.0
        if rate > 0 and context.noise is not None:
            sizes = [branch_PD.shape[1] * length for length in layout.lengths]
            kept = context.noise.kept(site, sizes, rate)
            return add_dropped(branch_PD, residual_PD, kept)
        dropped_PD = F.dropout(branch_PD, rate) if rate > 0 else branch_PD
        return dropped_PD if residual_PD is None else residual_PD + dropped_PD

    def _norms(self) -> nn.ModuleList:
        model = self.description.model
        return nn.ModuleList(
            nn.LayerNorm(model.dimension, eps=NORM_EPSILON) for _ in range(model.layers)
        )
