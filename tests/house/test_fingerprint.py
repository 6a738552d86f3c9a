"""Which changes of the code a fingerprint detects."""

from pathlib import Path

import pytest

from xlm.stages.fingerprint import RECORD, _data_files, _reachable, _tree_digest

PLAIN = 'import os\n\ndef double(x):\n    """Twice."""\n    return 2 * x  # two\n'


def _digest(tmp_path: Path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(text)
    return _tree_digest(path)


@pytest.mark.parametrize(
    "same",
    [
        "import os\n\ndef double(x):\n    return 2 * x\n",
        'import os\nimport sys\n\n\ndef double(x):\n    """Two times."""\n    return (2 * x)\n',
    ],
)
def test_comments_docstrings_formatting_imports_and_names_of_files_do_not_count(
    tmp_path: Path, same: str
) -> None:
    assert _digest(tmp_path, "a.py", PLAIN) == _digest(tmp_path, "b.py", same)


def test_a_changed_expression_counts(tmp_path: Path) -> None:
    changed = PLAIN.replace("2 * x", "x * 2")
    assert _digest(tmp_path, "a.py", PLAIN) != _digest(tmp_path, "b.py", changed)


@pytest.mark.parametrize(
    ("stage", "reached"),
    [
        ("pretrain", {"xlm.training.trainer", "xlm.dataloader.masking.host", "xlm.model.encoder"}),
        ("finetune", {"xlm.classification.finetuner", "xlm.model.classifier"}),
        (
            "evaluate",
            {
                "xlm.classification.evaluation.evaluator",
                "xlm.classification.evaluation.retrieval",
                "xlm.training.validation",
            },
        ),
    ],
)
def test_code_that_runs_in_processes_of_its_own_counts(stage: str, reached: set[str]) -> None:
    """They are started by the name of a module, without an import."""
    assert reached <= set(_reachable(f"xlm.stages.model.{stage}"))


def test_fine_tuning_is_not_rebuilt_for_the_pretraining_loop() -> None:
    assert "xlm.training.trainer" not in _reachable("xlm.stages.model.finetune")


def test_the_record_is_not_part_of_a_fingerprint() -> None:
    """Each recording would change it."""
    assert RECORD.exists()
    assert RECORD not in list(_data_files(RECORD.parent))
