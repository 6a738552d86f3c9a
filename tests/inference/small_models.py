"""A small random model of 15 languages that transformers makes, with real text in each language."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import torch
from transformers import XLMConfig, XLMForSequenceClassification, XLMWithLMHeadModel
from transformers.utils import logging as transformers_logging

from xlm.bpe.apply import BpeApplier
from xlm.bpe.vocabulary import SPECIAL_TOKENS
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.languages.segmenters import DEFAULT_SEGMENTERS
from xlm.release.tokenizer import write_tokenizer
from xlm.text.chain import tokenizer_for

transformers_logging.disable_progress_bar()

LANGUAGES = tuple(XNLI_LANGUAGES)
POSITIONS = 128
TEXTS = {
    "ar": ("الأطفال يلعبون في الحديقة.", "الأولاد نائمون في البيت الكبير."),
    "bg": ("Децата играят в градината.", "Момчетата спят в голямата къща."),
    "de": ("Die Kinder spielen im Garten.", "Die Jungen schlafen im großen Haus."),
    "el": ("Τα παιδιά παίζουν στον κήπο.", "Τα αγόρια κοιμούνται στο μεγάλο σπίτι."),
    "en": ("The children play in the garden.", "The boys sleep, all of them, in the big house."),
    "es": ("Los niños juegan en el jardín.", "Los chicos duermen en la casa grande."),
    "fr": ("Les enfants jouent dans le jardin.", "Les garçons chantent dans la grande maison."),
    "hi": ("बच्चे बगीचे में खेलते हैं।", "लड़के बड़े घर में सो रहे हैं।"),
    "ru": ("Дети играют в саду.", "Мальчики спят в большом доме."),
    "sw": ("Watoto wanacheza bustanini.", "Wavulana wamelala katika nyumba kubwa."),
    "th": ("เด็กเล่นในสวน", "เด็กผู้ชายนอนหลับอยู่ในบ้านหลังใหญ่"),
    "tr": ("Çocuklar bahçede oynuyor.", "Oğlanlar büyük evde uyuyor."),
    "ur": ("بچے باغ میں کھیلتے ہیں۔", "لڑکے بڑے گھر میں سو رہے ہیں۔"),
    "vi": ("Trẻ em chơi trong vườn.", "Các cậu bé ngủ trong ngôi nhà lớn."),
    "zh": ("孩子们在花园里玩。", "男孩们在大房子里睡觉。"),
}
"""Two sentences in each language."""


def write_models(folder: Path) -> None:
    """Write the folders `classifier` and `masked-lm`, as a publish artifact has them."""
    lines = [
        tokenizer_for(code, DEFAULT_SEGMENTERS)(text)
        for code, texts in TEXTS.items()
        for text in texts
    ]
    merges = _merges(lines)
    folder.mkdir(parents=True, exist_ok=True)
    codes = folder / "codes"
    codes.write_bytes(merges)
    counts = Counter(" ".join(BpeApplier(codes).lines(lines)).split())
    codes.unlink()
    tokens = (*SPECIAL_TOKENS, *(token for token, _ in counts.most_common()))
    torch.manual_seed(0)
    for name, model in (
        ("masked-lm", XLMWithLMHeadModel(_config(len(tokens)))),
        ("classifier", XLMForSequenceClassification(_config(len(tokens)))),
    ):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
        model.save_pretrained(folder / name)
        write_tokenizer(
            folder / name,
            tokens=tokens,
            merges=merges,
            languages=LANGUAGES,
            positions=POSITIONS,
        )


def _config(size: int) -> XLMConfig:
    labels = ("contradiction", "neutral", "entailment")
    return XLMConfig(
        vocab_size=size,
        emb_dim=32,
        n_layers=3,
        n_heads=4,
        n_langs=len(LANGUAGES),
        max_position_embeddings=POSITIONS,
        lang2id={code: number for number, code in enumerate(LANGUAGES)},
        id2lang={str(number): code for number, code in enumerate(LANGUAGES)},
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )


def _merges(lines: list[str]) -> bytes:
    """Merges of the most frequent pairs of characters; none builds on another."""
    counts: Counter[tuple[str, str]] = Counter()
    for word in " ".join(lines).split():
        counts.update(pairwise([*word[:-1], f"{word[-1]}</w>"]))
    kept = [(pair, count) for pair, count in counts.most_common(150) if count > 1]
    return "".join(f"{left} {right} {count}\n" for (left, right), count in kept).encode()
