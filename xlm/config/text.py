"""How raw text becomes tokens: the segmenters of languages that write no spaces."""

from typing import Literal

from pydantic import Field

from xlm.config.base import Config

SegmenterName = Literal["jieba", "newmm"]


class TextConfig(Config):
    """The choices of the tokenisation chain; its rules are fixed (XLM: tools/tokenize.sh)."""

    segmenters: dict[str, SegmenterName] = Field(
        {"th": "newmm", "zh": "jieba"},
        description="Word segmenter by language; a language named here skips the Moses tokenizer. "
        "The paper used the Stanford segmenter for zh and PyThaiNLP for th (section 5.2).",
    )
