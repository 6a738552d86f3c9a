"""A model between two layouts: what it is, its weights under our names, its vocabulary.

    model = read_model(Path("mlm_tlm_xnli15_1024.pth"))
    model.description.languages, model.vocabulary.size

Weights are fp32 on the CPU; the tied one is there once. A source without a prediction head has no
`pred_layer.proj.bias`; a classifier has `proj.1.weight` and `proj.1.bias` besides.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from xlm.bpe.vocabulary import Vocabulary
from xlm.errors import DataError
from xlm.model.classifier import LABELS
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.ours import CLASSIFIER, EMBEDDINGS, HEAD_BIAS, TIED_KEY

MODULE_PREFIX = "module."
"""What DistributedDataParallel puts before every name."""

_SHOWN_NAMES = 4


@dataclass(frozen=True)
class PortableModel:
    """A model as any of the layouts can hold it."""

    description: ModelDescription
    weights: Mapping[str, Tensor]
    vocabulary: Vocabulary | None
    """None: the source does not say what its ids mean."""
    notes: tuple[str, ...] = ()
    """What could not be kept as it was, a clause each."""

    @property
    def is_classifier(self) -> bool:
        """Whether it has the three-class projection of XNLI."""
        return f"{CLASSIFIER}weight" in self.weights

    def with_head(self) -> "PortableModel":
        """Itself, with a bias of zeros where the source had no prediction head."""
        if HEAD_BIAS in self.weights:
            return self
        bias = torch.zeros(self.description.vocabulary_size)
        note = "it had no prediction head: the bias of the head is zero"
        return replace(self, weights={**self.weights, HEAD_BIAS: bias}, notes=(*self.notes, note))

    def with_vocabulary(self, vocabulary: Vocabulary, where: str) -> "PortableModel":
        """Itself, with counts and codes of a vocabulary that has the same tokens.

        Raises:
            DataError: the model was made with another vocabulary.
        """
        description = self.description
        known = description.vocabulary_hash
        if vocabulary.size != description.vocabulary_size or known not in ("", vocabulary.hash):
            told = f" {known[:12]}" if known else ""
            raise DataError(
                f"{where} has {vocabulary.size} ids and hash {vocabulary.hash[:12]}, the model's "
                f"vocabulary{told} has {description.vocabulary_size} ids",
                fix="give the vocabulary that the model was trained with",
            )
        changed = {"vocabulary_hash": vocabulary.hash}
        return replace(
            self, description=description.model_copy(update=changed), vocabulary=vocabulary
        )


def tidy_weights(weights: object, where: str, *, sizes_only: bool = False) -> dict[str, Tensor]:
    """Weights as they were stored, as fp32 under plain names, the tied one left out.

    `sizes_only`: the tensors have shapes and no data, and no stored number is read.

    Raises:
        DataError: they are no tensors of numbers that fp32 holds, naming the first.
    """
    if not isinstance(weights, Mapping):
        raise DataError(f"{where}: the weights are a {type(weights).__name__}", fix=_FIX)
    tidy: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in weights.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise DataError(f"{where}: weight {name!r} is no tensor", fix=_FIX)
        plain = name.removeprefix(MODULE_PREFIX)
        if plain.rpartition(".")[2] == "position_ids":
            continue  # a buffer of older transformers: 0, 1, 2, ...
        if other := _other_than_floats(tensor):
            raise DataError(f"{where}: weight {plain!r} holds {other}", fix=_FIX)
        if plain in tidy:
            raise DataError(f"{where}: weight {plain!r} is there twice", fix=_FIX)
        if sizes_only:
            tidy[plain] = torch.empty(tensor.shape, dtype=torch.float32, device="meta")
            continue
        tidy[plain] = _alone(tensor.detach().to("cpu", torch.float32), taken)
        if not _is_finite(tidy[plain]):
            raise DataError(
                f"{where}: weight {plain!r} is not finite in fp32",
                fix="give a checkpoint of before its run diverged",
            )
        taken.add(tidy[plain].data_ptr())
    return tidy


def _other_than_floats(tensor: Tensor) -> str:
    """What a tensor holds in place of plain floating-point numbers; empty: nothing."""
    if tensor.is_meta:
        return "no data (meta)"
    if tensor.is_nested:
        return "nested tensors"
    if tensor.layout != torch.strided:
        return str(tensor.layout)
    if tensor.nbytes > tensor.untyped_storage().nbytes():
        # A few numbers repeated by a stride of 0: laid out, they fill any memory.
        return f"{tensor.numel():,} numbers, more than are stored"
    return "" if tensor.is_floating_point() else str(tensor.dtype)


def _is_finite(tensor: Tensor) -> bool:
    # torch.isfinite would make copies of the largest weights; NaN comes through this one, too.
    return not tensor.numel() or all(bound.isfinite() for bound in tensor.aminmax())


def _alone(tensor: Tensor, taken: Set[int]) -> Tensor:
    """A tensor of its own memory: what shares it, such as parts of one flat buffer, is copied."""
    contiguous = tensor.contiguous()
    whole = contiguous.untyped_storage().nbytes() == contiguous.nbytes
    return contiguous if whole and contiguous.data_ptr() not in taken else contiguous.clone()


def drop_tied(weights: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Leave out the head's matrix, which is the embeddings'.

    Raises:
        DataError: it is another one. Of weights without data, only the shapes are compared.
    """
    tied = weights.pop(TIED_KEY, None)
    embeddings = weights.get(EMBEDDINGS)
    if tied is not None and (embeddings is None or not _equal(tied, embeddings)):
        raise DataError(
            f"{where}: {TIED_KEY} is not {EMBEDDINGS} (share_inout_emb false)",
            fix="only models whose head shares the embeddings can be loaded",
        )
    return weights


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape if one.is_meta else torch.equal(one, other)


def check_layers(layers: object, weights: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights of another number of layers than the settings say.

    Raises:
        DataError: naming both numbers.
    """
    found = sum(name.endswith(".q_lin.weight") for name in weights)
    if layers != found:
        raise DataError(
            f"{where}: n_layers is {layers!r}, there are weights of {found}", fix="fetch it again"
        )


def check_weights(description: ModelDescription, weights: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights that are missing, unknown or of another kind or shape than is described.

    Raises:
        DataError: naming the first of them.
    """
    expected = expected_shapes(description)
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if any(name.startswith(CLASSIFIER) for name in found):
        if description.causal:
            raise DataError(f"{where}: a classifier, and causal is true", fix=_FIX)
        classes = len(LABELS)
        expected |= {
            f"{CLASSIFIER}weight": (classes, description.model.dimension),
            f"{CLASSIFIER}bias": (classes,),
        }
    missing = [name for name in expected if name not in found and name != HEAD_BIAS]
    unknown = [name for name in found if name not in expected]
    for names, what in ((missing, "no weight"), (unknown, "unknown weights")):
        if names:
            more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
            shown = ", ".join(names[:_SHOWN_NAMES]).encode("unicode_escape").decode()
            raise DataError(f"{where}: {what} {shown}{more}", fix=_FIX)
    for name, shape in found.items():
        if shape != expected[name]:
            raise DataError(
                f"{where}: {name} is {_times(shape)}, its settings say {_times(expected[name])}",
                fix=_FIX,
            )


def expected_shapes(description: ModelDescription) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an encoder's weights in the original's order, the tied one left out."""
    with torch.device("meta"):
        encoder = Encoder(description)
    return {
        name: tuple(tensor.shape)
        for name, tensor in encoder.state_dict().items()
        if name != TIED_KEY
    }


_FIX = "give an encoder of XLM"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
