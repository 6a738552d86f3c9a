"""Names of the word segmenters, and the languages that need one. Imports no segmenter.

A segmenter is written NAME or NAME:PATH; PATH is its program or its model:

    jieba                          zh, a library
    pkuseg:/models/news            zh, a library with a model folder
    stanford:/opt/stanford-seg...  zh, the folder of the Stanford segmenter
    newmm                          th, a library
    kytea:/usr/local/bin/kytea     ja, a program
    command:/opt/my-segmenter      any language, a program that writes one line for each line
"""

SEGMENTERS = ("jieba", "pkuseg", "stanford", "newmm", "kytea", "command")

DEFAULT_SEGMENTERS = {"th": "newmm", "zh": "jieba"}
"""Segmenters of the languages of XLM-15 that do not separate words by spaces."""

_UNSPACED = frozenset(
    {
        *("zh", "yue", "wuu", "gan", "lzh", "ja"),
        *("th", "lo", "km", "my", "nod", "tdd", "shn", "mnw", "bo", "dz"),
    }
)


def is_unspaced(language: str) -> bool:
    """Whether a language usually has no spaces between words; `zh-yue` counts as `zh`."""
    return language.lower().replace("_", "-").partition("-")[0] in _UNSPACED


def split_spec(spec: str) -> tuple[str, str | None]:
    """Split `NAME` or `NAME:PATH` into name and path; an empty path becomes None."""
    name, _, path = spec.partition(":")
    return name, path or None
