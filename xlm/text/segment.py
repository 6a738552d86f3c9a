"""Word segmenters for languages that write no spaces.

Both libraries like to write: jieba dumps its dictionary into the global temporary directory,
PyThaiNLP makes a folder in the home. Neither may here: a home can be read-only, and what is found
in a shared temporary directory must not shape an artifact.
"""

import logging
import os
from collections.abc import Callable
from functools import cache

from xlm.errors import ConfigError

Segmenter = Callable[[str], str]
"""One line of raw text in, the same text with a space between words out."""


def segmenter_of(name: str) -> Segmenter:
    """The segmenter of that name, loaded once a process.

    Raises:
        ConfigError: there is no such segmenter.
    """
    if name not in _LOADERS:
        raise ConfigError(f"no segmenter {name!r}", fix=f"choose one of {', '.join(_LOADERS)}")
    return _LOADERS[name]()


@cache
def _jieba() -> Segmenter:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # What initialize() does, without its cache file: reading the text dictionary takes a second.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return lambda line: " ".join(tokenizer.cut(line))


@cache
def _newmm() -> Segmenter:
    # Read-only mode keeps the import from making a data folder in the home; the dictionary that
    # newmm needs is in the wheel. The older name of the switch must not be set beside it.
    if "PYTHAINLP_READ_MODE" not in os.environ:
        os.environ.setdefault("PYTHAINLP_READ_ONLY", "1")
    from pythainlp.tokenize import word_tokenize

    # White-space tokens are kept, as in the original: they are text of the line.
    return lambda line: " ".join(word_tokenize(line))


_LOADERS: dict[str, Callable[[], Segmenter]] = {"jieba": _jieba, "newmm": _newmm}
