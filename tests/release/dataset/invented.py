"""Invented facts of a data set."""

from xlm.config.training.release import ReleaseConfig
from xlm.release.card.facts import CleaningFacts, SourceFacts
from xlm.release.dataset.facts import DatasetFacts, SplitCounts, UnitFacts


def dataset_facts() -> DatasetFacts:
    """Two languages, their pair, and labelled rows."""
    sizes = {
        "en": {"train": SplitCounts(900, 9000, 9), "valid": SplitCounts(10, 100, 0)},
        "sw": {"train": SplitCounts(100, 1000, 10)},
        "en-sw": {"train": SplitCounts(50, 900, 0)},
        "xnli.sw": {"test": SplitCounts(40, 400, 0)},
    }
    return DatasetFacts(
        release=ReleaseConfig(name="xlm-test", author="A. Tester"),
        synthetic=False,
        sources=(
            SourceFacts(
                "wikipedia.sw", "Wikipedia (Swahili)", "https://host/sw", "CC-BY-SA-4.0", 2_000,
                is_head=True, sha256="ab" * 32, date="2026-11-28",
            ),
            SourceFacts(
                "xnli", "XNLI 1.0", "https://host/xnli", "CC-BY-NC-4.0", 3_000,
                sha256="cd" * 32, citation="Conneau et al. 2018",
            ),
        ),
        units=tuple(UnitFacts(unit, splits) for unit, splits in sizes.items()),
        objectives=("mlm", "tlm"),
        alpha=0.5,
        vocabulary_size=884,
        vocabulary_hash="ef" * 32,
        cleaning=(CleaningFacts("sw", 120, 111, {"duplicate": 9, "too_short": 0}),),
    )  # fmt: skip
