"""What a card's code needs: the packages to install, and a pair of sentences of its language.

packages_note(("en", "zh"))  # names rjieba, which transformers' XLMTokenizer imports for Chinese
"""

from collections.abc import Sequence

from xlm.config.languages.pairs import ENGLISH

PACKAGES = ("torch", "transformers", "sacremoses")
"""Of every language: XLMTokenizer imports sacremoses when it is made."""
PACKAGES_OF = {"th": "pythainlp", "zh": "rjieba"}
"""What XLMTokenizer imports to find the words of a language that is written without spaces."""

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


def example_of(code: str) -> tuple[str, str]:
    """A premise and a hypothesis that it entails; English where we have none of the language."""
    return _EXAMPLES.get(code, _EXAMPLES[ENGLISH])


def packages_note(languages: Sequence[str]) -> str:
    """The line of a card that says what its code needs, and for which languages."""
    special = {code: PACKAGES_OF[code] for code in sorted(languages) if code in PACKAGES_OF}
    line = f"Needs `pip install {' '.join([*PACKAGES, *special.values()])}`"
    if special:
        reasons = " and ".join(f"`{package}` for `{code}`" for code, package in special.items())
        line += f": `transformers` finds words with {reasons}"
    if "ja" in languages:
        line += (
            ". For `ja`, `XLMTokenizer` needs the program KyTea, its model and its Python wrapper, "
            "which pip alone does not install"
        )
    return f"{line}."
