"""Example sentences for the code on a card, and the packages that the code needs.

packages_note(("en", "zh"))  # includes rjieba, which transformers' XLMTokenizer imports for Chinese
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from xlm.config.languages.pairs import ENGLISH

PACKAGES = ("torch", "transformers", "sacremoses")
"""For every language: XLMTokenizer imports sacremoses when it is created."""
PACKAGES_BY_LANGUAGE = {"th": "pythainlp", "zh": "rjieba"}
"""The word segmenter that XLMTokenizer imports for a language written without spaces."""

_EXAMPLES = {
    "ar": ("يقرأ المعلم كتابا في الحديقة.", "شخص ما يقرأ في الحديقة."),
    "bg": ("Учителят чете книга в градината.", "Някой чете в градината."),
    "de": ("Der Lehrer liest im Garten ein Buch.", "Jemand liest im Garten."),
    "el": ("Ο δάσκαλος διαβάζει ένα βιβλίο στον κήπο.", "Κάποιος διαβάζει στον κήπο."),
    "en": ("The teacher reads a book in the garden.", "Someone reads in the garden."),
    "es": ("El profesor lee un libro en el jardín.", "Alguien lee en el jardín."),
    "fr": ("Le professeur lit un livre dans le jardin.", "Quelqu'un lit dans le jardin."),
    "hi": ("शिक्षक बगीचे में एक किताब पढ़ता है।", "कोई बगीचे में पढ़ता है।"),
    "ru": ("Учитель читает книгу в саду.", "Кто-то читает в саду."),
    "sw": ("Mwalimu anasoma kitabu bustanini.", "Mtu anasoma bustanini."),
    "th": ("ครูอ่านหนังสือในสวน", "มีคนอ่านหนังสือในสวน"),
    "tr": ("Öğretmen bahçede kitap okuyor.", "Birisi bahçede okuyor."),
    "ur": ("استاد باغ میں کتاب پڑھتا ہے۔", "کوئی باغ میں پڑھتا ہے۔"),
    "vi": ("Giáo viên đọc một cuốn sách trong vườn.", "Có người đọc trong vườn."),
    "zh": ("老师在花园里看书。", "有人在花园里看书。"),
}


class Example(NamedTuple):
    """A premise and a hypothesis that it entails, for a language of a model."""

    language: str
    premise: str
    hypothesis: str
    remark: str = ""
    """A comment if the sentences are in another language."""


def example_of(languages: Sequence[str]) -> Example:
    """Return an example in English, in the first language that has one, or for the first."""
    for code in (ENGLISH, *languages):
        if code in languages and code in _EXAMPLES:
            return Example(code, *_EXAMPLES[code])
    remark = f"  # replace the sentence below by one in {languages[0]}"
    return Example(languages[0], *_EXAMPLES[ENGLISH], remark)


def packages_note(
    languages: Sequence[str],
    segmented: Collection[str] = (),
    packages: Sequence[str] = PACKAGES,
) -> str:
    """Render the install command for the code of a card, with the languages that need extras.

    Args:
        languages: languages of the model.
        segmented: those that a word segmenter of ours split into words.
        packages: what the code needs for every language.
    """
    segmenters = {
        code: PACKAGES_BY_LANGUAGE[code]
        for code in sorted(languages)
        if code in PACKAGES_BY_LANGUAGE
    }
    line = (
        f"Install the dependencies with `pip install {' '.join([*packages, *segmenters.values()])}`"
    )
    if segmenters:
        reasons = " and ".join(f"`{package}` for `{code}`" for code, package in segmenters.items())
        line += f". `transformers` segments words with {reasons}"
    if "ja" in languages:
        line += (
            ". For `ja`, `XLMTokenizer` also needs KyTea (the program, a model and the Python "
            "wrapper), which pip alone cannot install"
        )
    others = [f"`{code}`" for code in sorted(segmented) if code not in (*segmenters, "ja")]
    if others:
        line += (
            f". `XLMTokenizer` does not segment {', '.join(others)}: split this text into words "
            "with `xlm tokenize --segmenter`"
        )
    return f"{line}."
