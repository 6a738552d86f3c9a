"""A model between two formats: its description, its weights by our names, its vocabulary.

    model = read_model(Path("mlm_tlm_xnli15_1024.pth"))
    model.description.languages, model.vocabulary.size

Weights are fp32 on the CPU, and the tied weight is contained once. A source without a prediction
head has no `pred_layer.proj.bias`; a classifier also has `proj.1.weight` and `proj.1.bias`.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from xlm.bpe.vocabulary import Vocabulary
from xlm.errors import DataError
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.ours import CLASSIFIER, EMBEDDINGS, HEAD_BIAS, TIED_KEY

MODULE_PREFIX = "module."
"""The prefix that DistributedDataParallel adds to every name."""

_SHOWN_NAMES = 4


@dataclass(frozen=True)
class PortableModel:
    """A model that any of the formats can represent."""

    description: ModelDescription
    weights: Mapping[str, Tensor]
    vocabulary: Vocabulary | None
    """None: the source has no vocabulary."""
    notes: tuple[str, ...] = ()
    """Changes that the conversion made, a clause each."""

    @property
    def is_classifier(self) -> bool:
        """Whether it has the projection of a classifier."""
        return f"{CLASSIFIER}weight" in self.weights

    def with_head(self) -> "PortableModel":
        """The same model, with a bias of zeros if the source has no prediction head."""
        if HEAD_BIAS in self.weights:
            return self
        bias = torch.zeros(self.description.vocabulary_size)
        note = "it has no prediction head, so the bias of the head is zero"
        return replace(self, weights={**self.weights, HEAD_BIAS: bias}, notes=(*self.notes, note))

    def with_vocabulary(self, vocabulary: Vocabulary, where: str) -> "PortableModel":
        """The same model, with the counts and codes of a vocabulary that has the same tokens.

        Raises:
            DataError: the model was made with another vocabulary.
        """
        description = self.description
        known = description.vocabulary_hash
        if vocabulary.size != description.vocabulary_size or known not in ("", vocabulary.hash):
            shown = f" {known[:12]}" if known else ""
            raise DataError(
                f"{where} has {vocabulary.size} ids and hash {vocabulary.hash[:12]}, the model's "
                f"vocabulary{shown} has {description.vocabulary_size} ids",
                fix="use the vocabulary that the model was trained with",
            )
        changed = {"vocabulary_hash": vocabulary.hash}
        return replace(
            self, description=description.model_copy(update=changed), vocabulary=vocabulary
        )


def tidy_weights(weights: object, where: str, *, sizes_only: bool = False) -> dict[str, Tensor]:
    """Stored weights as fp32 by plain names.

    `sizes_only`: the tensors have shapes but no data, and no stored number is read.

    Raises:
        DataError: a weight is not a tensor of numbers that fp32 can hold.
    """
    if not isinstance(weights, Mapping):
        raise DataError(
            f"{where}: the weights are a {type(weights).__name__}, not a mapping", fix=_FIX
        )
    tidy: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in weights.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise DataError(f"{where}: weight {name!r} is not a tensor", fix=_FIX)
        plain = name.removeprefix(MODULE_PREFIX)
        if plain.rpartition(".")[2] == "position_ids":
            continue  # a buffer of older transformers: 0, 1, 2, ...
        if found := _unsupported(tensor):
            raise DataError(f"{where}: weight {plain!r} has {found}", fix=_FIX)
        if plain in tidy:
            raise DataError(f"{where}: there are two weights {plain!r}", fix=_FIX)
        if sizes_only:
            tidy[plain] = torch.empty(tensor.shape, dtype=torch.float32, device="meta")
            continue
        tidy[plain] = _alone(tensor.detach().to("cpu", torch.float32), taken)
        if not _is_finite(tidy[plain]):
            raise DataError(
                f"{where}: weight {plain!r} is not finite in fp32",
                fix="use a checkpoint from before the run diverged",
            )
        taken.add(tidy[plain].data_ptr())
    return tidy


def _unsupported(tensor: Tensor) -> str:
    """What a tensor has instead of plain floating-point numbers; empty: it has those."""
    if tensor.is_meta:
        return "no data (meta)"
    if tensor.is_nested:
        return "nested tensors"
    if tensor.layout != torch.strided:
        return f"layout {tensor.layout}"
    if tensor.nbytes > tensor.untyped_storage().nbytes():
        # A stride of 0 repeats a few stored numbers; a copy of them could fill the memory.
        return f"{tensor.numel():,} numbers, but fewer are stored"
    return "" if tensor.is_floating_point() else f"numbers of {tensor.dtype}"


def _is_finite(tensor: Tensor) -> bool:
    # torch.isfinite copies the tensor; aminmax does not, and it propagates NaN.
    return not tensor.numel() or all(bound.isfinite() for bound in tensor.aminmax())


def _alone(tensor: Tensor, taken: Set[int]) -> Tensor:
    """The tensor, copied if it shares its memory, for example with other parts of a flat buffer."""
    contiguous = tensor.contiguous()
    is_whole = contiguous.untyped_storage().nbytes() == contiguous.nbytes
    return contiguous if is_whole and contiguous.data_ptr() not in taken else contiguous.clone()


def drop_tied(weights: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Remove the head's matrix, which is the embedding matrix.

    Raises:
        DataError: the matrices differ. For weights without data, only shapes are compared.
    """
    tied = weights.pop(TIED_KEY, None)
    embeddings = weights.get(EMBEDDINGS)
    if tied is not None and (embeddings is None or not _equal(tied, embeddings)):
        raise DataError(
            f"{where}: {TIED_KEY} is not {EMBEDDINGS} (share_inout_emb false)",
            fix="use a model with tied embeddings; others cannot be loaded",
        )
    return weights


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape if one.is_meta else torch.equal(one, other)


def check_layers(layers: object, weights: Mapping[str, Tensor], where: str) -> None:
    """Check that the weights have as many layers as the settings.

    Raises:
        DataError: the numbers differ.
    """
    found = sum(name.endswith(".q_lin.weight") for name in weights)
    if layers != found:
        raise DataError(
            f"{where}: n_layers is {layers!r}, but there are weights of {found} layers",
            fix="download it again",
        )


def check_weights(description: ModelDescription, weights: Mapping[str, Tensor], where: str) -> None:
    """Check the names and shapes of weights against a description.

    Raises:
        DataError: weights are missing or unknown, or a shape differs.
    """
    expected = expected_shapes(description)
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if any(name.startswith(CLASSIFIER) for name in found):
        if description.causal:
            raise DataError(f"{where}: causal is true, but it is a classifier", fix=_FIX)
        classes = len(description.labels)
        expected |= {
            f"{CLASSIFIER}weight": (classes, description.model.dimension),
            f"{CLASSIFIER}bias": (classes,),
        }
    missing = [name for name in expected if name not in found and name != HEAD_BIAS]
    unknown = [name for name in found if name not in expected]
    for names, what in ((missing, "missing weights"), (unknown, "unknown weights")):
        if names:
            more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
            shown = ", ".join(names[:_SHOWN_NAMES]).encode("unicode_escape").decode()
            raise DataError(f"{where}: {what} {shown}{more}", fix=_FIX)
    for name, shape in found.items():
        if shape != expected[name]:
            raise DataError(
                f"{where}: {name} is {_times(shape)}, but its settings require "
                f"{_times(expected[name])}",
                fix=_FIX,
            )


def expected_shapes(description: ModelDescription) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an encoder's weights in the original's order, without the tied one."""
    with torch.device("meta"):
        encoder = Encoder(description)
    return {
        name: tuple(tensor.shape)
        for name, tensor in encoder.state_dict().items()
        if name != TIED_KEY
    }


_FIX = "use an encoder that XLM trained"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
