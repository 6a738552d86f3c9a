"""The encoder's names, shapes and values, compared with the paper and transformers."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from xlm.bpe.vocabulary import PAD
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.model import ModelConfig
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.ours import classifier_weights, encoder_weights, to_hugging_face
from xlm.model.initialise import initialise, sinusoids
from xlm.training.loss import MaskedLoss

Describe = Callable[..., ModelDescription]
PAPER_PARAMETERS = 249_071_384
TOLERANCE = 1e-4


def test_paper_model_has_the_published_names_shapes_and_count() -> None:
    description = ModelDescription(
        model=ModelConfig(),
        languages=tuple(XNLI_LANGUAGES),
        vocabulary_size=95_000,
        vocabulary_hash="x",
    )
    with torch.device("meta"):
        encoder = Encoder(description)
    assert sum(p.numel() for p in encoder.parameters()) == PAPER_PARAMETERS
    shapes = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    assert shapes["position_embeddings.weight"] == (512, 1024)
    assert shapes["lang_embeddings.weight"] == (15, 1024)
    assert shapes["embeddings.weight"] == shapes["pred_layer.proj.weight"] == (95_000, 1024)
    assert shapes["attentions.11.q_lin.weight"] == (1024, 1024)
    assert shapes["ffns.0.lin1.weight"] == (4096, 1024)
    assert shapes["ffns.0.lin2.bias"] == (1024,)
    assert shapes["layer_norm1.3.weight"] == shapes["layer_norm_emb.bias"] == (1024,)
    groups = [name.split(".")[0] for name in shapes]
    order = list(dict.fromkeys(groups))
    assert order == [
        "position_embeddings", "lang_embeddings", "embeddings", "layer_norm_emb",
        "attentions", "layer_norm1", "ffns", "layer_norm2", "pred_layer",
    ]  # fmt: skip


def test_one_language_has_no_language_embeddings(describe: Describe) -> None:
    encoder = Encoder(describe(languages=("en",)))
    assert not any("lang" in name for name in encoder.state_dict())
    tokens = torch.randint(14, 50, (2, 5))
    assert encoder(tokens, torch.zeros_like(tokens)).shape == (2, 5, 16)


@pytest.fixture
def encoder(describe: Describe) -> Encoder:
    encoder = Encoder(describe()).eval()
    initialise(encoder, seed=1)
    return encoder


def _hugging_face(description: ModelDescription, kind: str, weights: dict[str, Tensor]) -> object:
    transformers = pytest.importorskip("transformers")
    model = description.model
    config = transformers.XLMConfig(
        vocab_size=description.vocabulary_size,
        emb_dim=model.dimension,
        n_layers=model.layers,
        n_heads=model.heads,
        n_langs=len(description.languages),
        max_position_embeddings=model.max_positions,
        layer_norm_eps=1e-12,
        num_labels=len(XNLI_LABELS),
        summary_first_dropout=0.0,
    )
    theirs = getattr(transformers, kind)(config).eval()
    renamed = to_hugging_face(weights)
    if kind == "XLMWithLMHeadModel":
        renamed["pred_layer.proj.weight"] = renamed["transformer.embeddings.weight"]
    missing, unexpected = theirs.load_state_dict(renamed, strict=False)
    assert not unexpected
    assert [name for name in missing if not name.endswith("position_ids")] == []
    return theirs


def _assert_equals_transformers(
    encoder: Encoder, tokens: Tensor, languages: Tensor, positions: Tensor
) -> None:
    mask = tokens != PAD
    theirs = _hugging_face(encoder.description, "XLMWithLMHeadModel", encoder_weights(encoder))
    with torch.no_grad():
        ours = encoder.predict(encoder(tokens, languages, positions, mask))
        expected = theirs(  # type: ignore[operator]
            input_ids=tokens, langs=languages, position_ids=positions, lengths=mask.sum(1)
        ).logits
    assert (ours - expected)[mask].abs().max() < TOLERANCE


def test_padded_mlm_batch_equals_transformers(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (6, 12), generator=torch.Generator().manual_seed(0))
    for row, length in enumerate((12, 7, 3, 12, 1, 9)):
        tokens[row, length:] = PAD
    positions = torch.arange(12).expand(6, 12)
    _assert_equals_transformers(encoder, tokens, torch.full_like(tokens, 4), positions)


def test_tlm_batch_with_restarted_positions_equals_transformers(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (3, 11), generator=torch.Generator().manual_seed(1))
    tokens[1, 9:] = PAD
    languages = torch.tensor([[4] * 5 + [9] * 6] * 3)
    positions = torch.tensor([[*range(5), *range(6)]] * 3)
    _assert_equals_transformers(encoder, tokens, languages, positions)


def test_every_language_id_equals_transformers(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (15, 8), generator=torch.Generator().manual_seed(2))
    languages = torch.arange(15)[:, None].expand(15, 8).contiguous()
    _assert_equals_transformers(encoder, tokens, languages, torch.arange(8).expand(15, 8))


def test_classifier_equals_transformers(encoder: Encoder) -> None:
    classifier = Classifier(encoder).eval()
    classifier.initialise(seed=3)
    tokens = torch.randint(14, 50, (4, 10), generator=torch.Generator().manual_seed(3))
    tokens[2, 6:] = PAD
    languages = torch.full_like(tokens, 9)
    mask = tokens != PAD
    theirs = _hugging_face(
        encoder.description, "XLMForSequenceClassification", classifier_weights(classifier)
    )
    with torch.no_grad():
        ours = classifier(tokens, languages, mask)
        expected = theirs(  # type: ignore[operator]
            input_ids=tokens, langs=languages, lengths=mask.sum(1)
        ).logits
    assert (ours - expected).abs().max() < TOLERANCE


def test_the_loss_depends_on_the_selected_positions_alone(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (2, 6), generator=torch.Generator().manual_seed(4))
    languages = torch.zeros_like(tokens)
    selected = torch.tensor([1, 8])
    targets = tokens.flatten()[selected]
    loss = MaskedLoss(encoder)(tokens, languages, None, None, selected, targets)
    whole = encoder.predict(encoder(tokens, languages)).log_softmax(-1)
    expected = -torch.stack([whole[0, 1, tokens[0, 1]], whole[1, 2, tokens[1, 2]]])
    torch.testing.assert_close(loss, expected)


def test_padding_does_not_change_the_states_of_tokens(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (1, 5), generator=torch.Generator().manual_seed(5))
    padded = torch.cat([tokens, torch.full((1, 3), PAD)], dim=1)
    alone = encoder(tokens, torch.zeros_like(tokens))
    among = encoder(padded, torch.zeros_like(padded), attention_mask_BT=padded != PAD)
    torch.testing.assert_close(among[:, :5], alone, atol=1e-5, rtol=1e-5)
    assert among[:, 5:].abs().max() == 0


def test_dropout_is_active_in_training_and_can_be_set(describe: Describe) -> None:
    encoder = Encoder(describe(dropout=0.5, attention_dropout=0.5))
    initialise(encoder, seed=0)
    tokens = torch.randint(14, 50, (2, 6))
    languages = torch.zeros_like(tokens)
    assert not torch.equal(encoder(tokens, languages), encoder(tokens, languages))
    encoder.set_dropout(hidden=0.0)
    assert not torch.equal(encoder(tokens, languages), encoder(tokens, languages))
    encoder.set_dropout(attention=0.0)
    assert torch.equal(encoder(tokens, languages), encoder(tokens, languages))


def test_xlm_initialisation_has_the_original_distribution(describe: Describe) -> None:
    encoder = Encoder(describe(vocabulary_size=5000, dimension=64, heads=4, layers=1))
    initialise(encoder, seed=7)
    weight = encoder.embeddings.weight.detach()
    assert weight[PAD].abs().max() == 0
    assert weight[14:].std().item() == pytest.approx(64**-0.5, rel=0.02)
    linear = encoder.ffns[0].lin2.weight.detach()
    assert linear.abs().max().item() <= 256**-0.5
    assert linear.std().item() == pytest.approx(256**-0.5 / 3**0.5, rel=0.02)


def test_initialisation_depends_on_the_seed_alone(describe: Describe) -> None:
    first, second, other = (Encoder(describe()) for _ in range(3))
    initialise(first, seed=7)
    torch.rand(10)
    initialise(second, seed=7)
    initialise(other, seed=8)
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))
    assert not torch.equal(first.embeddings.weight, other.embeddings.weight)


def test_aligned_initialisation_of_positions_and_projections(describe: Describe) -> None:
    encoder = Encoder(describe(initialisation="aligned", aligned={"embedding_scale": 0.5}))
    initialise(encoder, seed=0)
    torch.testing.assert_close(
        encoder.position_embeddings.weight.detach(), 0.5 * 16**-0.5 * sinusoids(40, 16)
    )
    assert torch.equal(encoder.attentions[1].v_lin.weight.detach(), torch.eye(16))
    plain = Encoder(describe())
    initialise(plain, seed=0)
    torch.testing.assert_close(encoder.ffns[0].lin2.weight, 0.3 * plain.ffns[0].lin2.weight)
    torch.testing.assert_close(encoder.embeddings.weight, 0.5 * plain.embeddings.weight)


def test_freezing_layers_freezes_the_embeddings_too(describe: Describe) -> None:
    encoder = Encoder(describe())
    encoder.freeze(1)
    free = {name.split(".")[0] for name, p in encoder.named_parameters() if p.requires_grad}
    assert free == {"attentions", "layer_norm1", "ffns", "layer_norm2"}
    assert not any(p.requires_grad for p in encoder.attentions[0].parameters())
    assert all(p.requires_grad for p in encoder.attentions[1].parameters())
