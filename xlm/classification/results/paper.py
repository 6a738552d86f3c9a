"""XNLI test accuracies of the paper, for comparison (spec 7.1).

PAPER[MLM_TLM]["sw"]  # 0.684
"""

from collections.abc import Mapping

MLM_TLM = "zero-shot, XLM MLM+TLM"
MLM = "zero-shot, XLM MLM"

_LANGUAGES = (
    "en",
    "fr",
    "es",
    "de",
    "el",
    "bg",
    "ru",
    "tr",
    "ar",
    "vi",
    "th",
    "zh",
    "hi",
    "sw",
    "ur",
)
_PERCENT = {
    "translate-train, XLM MLM+TLM": (
        85.0, 80.2, 80.8, 80.3, 78.1, 79.3, 78.1, 74.7, 76.5, 76.6, 75.5, 78.6, 72.3, 70.9, 63.2,
    ),
    "translate-test, XLM MLM+TLM": (
        85.0, 79.0, 79.5, 78.1, 77.8, 77.6, 75.5, 73.7, 73.7, 70.8, 70.4, 73.6, 69.0, 64.7, 65.1,
    ),
    "zero-shot, XNLI BiLSTM": (
        73.7, 67.7, 68.7, 67.7, 68.9, 67.9, 65.4, 64.2, 64.8, 66.4, 64.1, 65.8, 64.1, 55.7, 58.4,
    ),
    "zero-shot, LASER": (
        73.9, 71.9, 72.9, 72.6, 73.1, 74.2, 71.5, 69.7, 71.4, 72.0, 69.2, 71.4, 65.5, 62.2, 61.0,
    ),
    MLM: (
        83.2, 76.5, 76.3, 74.2, 73.1, 74.0, 73.1, 67.8, 68.5, 71.2, 69.2, 71.9, 65.7, 64.6, 63.4,
    ),
    MLM_TLM: (
        85.0, 78.7, 78.9, 77.8, 76.6, 77.4, 75.3, 72.5, 73.1, 76.1, 73.2, 76.5, 69.6, 68.4, 67.3,
    ),
}  # fmt: skip
_MBERT = {"en": 81.4, "es": 74.3, "de": 70.5, "ar": 62.1, "zh": 63.8, "ur": 58.3}
_MBERT_TRANSLATED = {"en": 81.9, "es": 77.8, "de": 75.9, "ar": 70.7, "zh": 76.6, "ur": 61.6}


def _shares(row: Mapping[str, float]) -> dict[str, float]:
    return {code: round(percent / 100, 3) for code, percent in row.items()}


PAPER: Mapping[str, Mapping[str, float]] = {
    **{name: _shares(dict(zip(_LANGUAGES, row, strict=True))) for name, row in _PERCENT.items()},
    "zero-shot, mBERT": _shares(_MBERT),
    "translate-train, mBERT": _shares(_MBERT_TRANSLATED),
}
"""Accuracies between 0 and 1, by row of the paper's table and language."""
