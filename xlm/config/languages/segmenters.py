"""Which word segmenters there are, and which languages need one: names only, no library.

A segmenter is written NAME or NAME:PATH, where PATH is what that one runs or reads:

    jieba                          zh, a library
    pkuseg:/models/news            zh, a library with a model folder
    stanford:/opt/stanford-seg...  zh, the folder of the Stanford segmenter
    newmm                          th, a library
    kytea:/usr/local/bin/kytea     ja, a program
    command:/opt/my-segmenter      any language, a program that answers each line with a line
"""

SEGMENTERS = ("jieba", "pkuseg", "stanford", "newmm", "kytea", "command")

DEFAULT_SEGMENTERS = {"th": "newmm", "zh": "jieba"}
"""The languages of XLM-15 that are written without spaces."""

_UNSPACED = frozenset(
    {
        *("zh", "yue", "wuu", "gan", "lzh", "ja"),
        *("th", "lo", "km", "my", "nod", "tdd", "shn", "mnw", "bo", "dz"),
    }
)


def is_unspaced(language: str) -> bool:
    """Whether a language is usually written without spaces between words; `zh-yue` is like `zh`."""
    return language.lower().replace("_", "-").partition("-")[0] in _UNSPACED


def split_spec(spec: str) -> tuple[str, str | None]:
    """Name and path of `NAME` or `NAME:PATH`; an empty path is none."""
    name, _, path = spec.partition(":")
    return name, path or None
