"""A random model of the shape of xlm-mlm-tlm-xnli15-1024 on real rows of XNLI, with the published
merges and vocabulary: `xlm evaluate` gives the predictions of transformers for the same ids.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import XLMConfig, XLMForSequenceClassification, XLMWithLMHeadModel

from tests.inference.small_models import LANGUAGES
from xlm.bpe.vocabulary import EOS, MASK
from xlm.bpe.vocabulary_file import read_vocabulary
from xlm.corpus.xnli.archives import LABELS, NliPair, read_evaluation_set
from xlm.inference.load import load
from xlm.release.tokenizer import write_tokenizer

pytestmark = pytest.mark.slow

ROWS = 8
"""Rows of each language: 120 in all."""
MAX_RESIDENT_BYTES = 8 << 30
PARAMETERS = 249_071_384
"""Of the masked language model, spec 2."""


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `masked-lm` and `classifier`, 2 GB; pytest would keep it for days."""
    target = tmp_path_factory.mktemp("full")
    published = shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM"
    vocabulary = read_vocabulary(published / "vocab_xnli_15", size=95_000)
    config = XLMConfig(
        vocab_size=vocabulary.size,
        emb_dim=1024,
        n_layers=12,
        n_heads=8,
        n_langs=len(LANGUAGES),
        max_position_embeddings=512,
        lang2id={code: number for number, code in enumerate(LANGUAGES)},
        id2lang={str(number): code for number, code in enumerate(LANGUAGES)},
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    torch.manual_seed(0)
    masked_lm = XLMWithLMHeadModel(config)
    assert sum(one.numel() for one in masked_lm.parameters()) == PARAMETERS
    classifier = XLMForSequenceClassification(config)
    classifier.transformer = masked_lm.transformer
    with torch.no_grad():
        classifier.sequence_summary.summary.weight.mul_(10)  # predictions differ
        masked_lm.pred_layer.proj.bias.normal_()
    for name, model in (("masked-lm", masked_lm), ("classifier", classifier)):
        model.save_pretrained(target / name)
        write_tokenizer(
            target / name,
            tokens=vocabulary.tokens,
            merges=(published / "codes_xnli_15").read_bytes(),
            languages=LANGUAGES,
            positions=512,
        )
    yield target
    shutil.rmtree(target)


@pytest.fixture(scope="module")
def archive(shared: Path) -> Path:
    return shared / "mirror" / "dl.fbaipublicfiles.com" / "XNLI" / "XNLI-1.0.zip"


@pytest.fixture(scope="module")
def pairs(archive: Path) -> dict[str, list[NliPair]]:
    return read_evaluation_set(archive, "test", ROWS)


def arguments(row: list[int], code: str) -> dict[str, torch.Tensor]:
    tokens_1T = torch.tensor([row])
    return {
        "input_ids": tokens_1T,
        "langs": torch.full_like(tokens_1T, LANGUAGES.index(code)),
    }


@torch.inference_mode()
def test_predictions_are_those_of_transformers_in_little_memory(
    folder: Path, archive: Path, pairs: dict[str, list[NliPair]], tmp_path: Path
) -> None:
    command = [
        Path(sys.executable).parent / "xlm", "evaluate", folder, "--task", "xnli", archive,
        "--limit", str(ROWS), "--output", tmp_path, "--device", "cpu",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())}
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        with process.stdout:
            printed = process.stdout.read()
    except BaseException:
        process.kill()
        raise
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss * 1024 < MAX_RESIDENT_BYTES
    assert "paper, MLM+TLM" in printed

    ours = load(folder / "classifier")
    theirs = XLMForSequenceClassification.from_pretrained(folder / "classifier").eval()
    labels = set()
    for code in LANGUAGES:
        first = ours.encode([pair.premise for pair in pairs[code]], language=code)
        second = ours.encode([pair.hypothesis for pair in pairs[code]], language=code)
        scores_N3 = torch.stack(
            [
                theirs(**arguments([EOS, *one.tolist(), EOS, *other.tolist(), EOS], code)).logits[0]
                for one, other in zip(first, second, strict=True)
            ]
        )
        lines = (tmp_path / "predictions" / f"{code}.tsv").read_text().splitlines()[1:]
        written = [line.split("\t") for line in lines]
        assert [row[0] for row in written] == [pair.label for pair in pairs[code]]
        assert [row[1] for row in written] == [LABELS[i] for i in scores_N3.argmax(1).tolist()]
        shares_N3 = np.array([[float(share) for share in row[2:]] for row in written])
        np.testing.assert_allclose(shares_N3, scores_N3.softmax(1).numpy(), atol=1e-5)
        np.testing.assert_allclose(
            ours.class_scores(first[:1], second[:1], language=code),
            scores_N3[:1].numpy(),
            atol=1e-4,
        )
        labels |= {row[1] for row in written}
    assert len(labels) > 1


@torch.inference_mode()
def test_masked_tokens_are_those_of_transformers(
    folder: Path, pairs: dict[str, list[NliPair]]
) -> None:
    ours = load(folder / "masked-lm")
    theirs = XLMWithLMHeadModel.from_pretrained(folder / "masked-lm").eval()
    for code in LANGUAGES:
        text = f"{pairs[code][0].hypothesis} <mask>"
        (ids,) = ours.encode([text], language=code)
        scores_TV = theirs(**arguments([EOS, *ids.tolist(), EOS], code)).logits[0]
        (place,) = np.flatnonzero(ids == MASK) + 1
        best = scores_TV[place].softmax(0).topk(5)
        (found,) = ours.fill_mask(text, language=code)
        assert [one.token_id for one in found] == best.indices.tolist()
        np.testing.assert_allclose(
            [one.probability for one in found], best.values.numpy(), rtol=1e-4
        )
