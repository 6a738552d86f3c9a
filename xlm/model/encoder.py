"""The XLM encoder: learned positions and languages, post-norm layers, a tied prediction head.

    encoder = Encoder(description)
    hidden_BTD = encoder(tokens_BT, languages_BT, real_BT=tokens_BT != PAD)
    logits_NV = encoder.predict(hidden_BTD.flatten(0, 1)[selected_N])

Parameter names and shapes are the original's (reference xlm-spec 2.3). Shape legend: B sequences,
T tokens, D dimension, H heads, E dimension of a head, V vocabulary, N selected tokens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlm.bpe.vocabulary import PAD
from xlm.model.description import ModelDescription

NORM_EPSILON = 1e-12
"""The original's; HF's default is the same."""


class Attention(nn.Module):
    """Multi-head self-attention; queries are scaled before the product, as in the original."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.q_lin = nn.Linear(dimension, dimension)
        self.k_lin = nn.Linear(dimension, dimension)
        self.v_lin = nn.Linear(dimension, dimension)
        self.out_lin = nn.Linear(dimension, dimension)

    def forward(self, hidden_BTD: Tensor, keys_B11T: Tensor | None, causal: bool) -> Tensor:
        """Attend from every place to the real places of its own sequence, or to those before."""
        context_BHTE = F.scaled_dot_product_attention(
            self._split(self.q_lin(hidden_BTD)),
            self._split(self.k_lin(hidden_BTD)),
            self._split(self.v_lin(hidden_BTD)),
            attn_mask=keys_B11T,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=causal,
        )
        mixed: Tensor = self.out_lin(context_BHTE.transpose(1, 2).flatten(2))
        return mixed

    def _split(self, projected_BTD: Tensor) -> Tensor:
        batch, tokens, _ = projected_BTD.shape
        return projected_BTD.view(batch, tokens, self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers, four times as wide between them, exact (erf) GELU."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(dimension, 4 * dimension)
        self.lin2 = nn.Linear(4 * dimension, dimension)

    def forward(self, hidden_BTD: Tensor) -> Tensor:
        """Each place on its own."""
        out_BTD: Tensor = self.lin2(F.gelu(self.lin1(hidden_BTD)))
        return out_BTD


class PredictionHead(nn.Module):
    """Scores of all ids; the weight is the embedding matrix."""

    def __init__(self, dimension: int, vocabulary_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dimension, vocabulary_size)


class Encoder(nn.Module):
    """Tokens, positions and languages in, last-layer states out."""

    def __init__(self, description: ModelDescription) -> None:
        super().__init__()
        model, languages = description.model, len(description.languages)
        dimension = model.dimension
        self.description = description
        self.dropout = model.dropout
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
        """States of the last layer, (B, T, D).

        With `causal`, which excludes padding, a place sees what is before it and itself.
        `positions_BT` defaults to 0..T-1; `real_BT` (bool) is False at padding, None: no padding.
        """
        if positions_BT is None:
            positions_BT = torch.arange(tokens_BT.shape[1], device=tokens_BT.device)[None]
        embedded_BTD = self.embeddings(tokens_BT) + self.position_embeddings(positions_BT)
        if hasattr(self, "lang_embeddings"):
            embedded_BTD = embedded_BTD + self.lang_embeddings(languages_BT)
        hidden_BTD = self._drop(self.layer_norm_emb(embedded_BTD))
        keys_B11T = None if real_BT is None else real_BT[:, None, None, :]
        real_BT1 = None if real_BT is None else real_BT[:, :, None].to(hidden_BTD.dtype)
        hidden_BTD = _masked(hidden_BTD, real_BT1)
        for attention, norm1, ffn, norm2 in zip(
            self.attentions, self.layer_norm1, self.ffns, self.layer_norm2, strict=True
        ):
            hidden_BTD = norm1(hidden_BTD + self._drop(attention(hidden_BTD, keys_B11T, causal)))
            hidden_BTD = norm2(hidden_BTD + self._drop(ffn(hidden_BTD)))
            hidden_BTD = _masked(hidden_BTD, real_BT1)
        return hidden_BTD

    def predict(self, states_ND: Tensor) -> Tensor:
        """Scores of every id, (N, V), for the given states only."""
        return F.linear(states_ND, self.embeddings.weight, self.pred_layer.proj.bias)

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

    def _drop(self, hidden_BTD: Tensor) -> Tensor:
        if self.training and self.dropout > 0:
            return F.dropout(hidden_BTD, self.dropout)
        return hidden_BTD

    def _norms(self) -> nn.ModuleList:
        model = self.description.model
        return nn.ModuleList(
            nn.LayerNorm(model.dimension, eps=NORM_EPSILON) for _ in range(model.layers)
        )


def _masked(hidden_BTD: Tensor, real_BT1: Tensor | None) -> Tensor:
    return hidden_BTD if real_BT1 is None else hidden_BTD * real_BT1


def masked_cross_entropy(
    encoder: Encoder, hidden_BTD: Tensor, selected_N: Tensor, targets_N: Tensor
) -> Tensor:
    """Loss of each selected place, (N,); `selected_N` counts row by row through (B, T)."""
    states_ND = hidden_BTD.flatten(0, 1).index_select(0, selected_N)
    return F.cross_entropy(encoder.predict(states_ND).float(), targets_N, reduction="none")
