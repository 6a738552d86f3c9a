"""Checks of what a caller passes: one text or several, and their languages.

texts, is_one = texts_of("Watoto wanacheza.")  # (["Watoto wanacheza."], True)
languages_of("sw", 3)  # ["sw", "sw", "sw"]
"""

from collections.abc import Iterable, Sequence

from xlm.errors import ConfigError


def texts_of(texts: str | Iterable[str]) -> tuple[list[str], bool]:
    """The texts as a list, and whether one was passed on its own.

    Raises:
        ConfigError: it is neither a text nor several.
    """
    if isinstance(texts, str):
        return [texts], True
    if isinstance(texts, bytes) or not isinstance(texts, Iterable):
        raise ConfigError(
            f"texts are a {type(texts).__name__}", fix="pass a string or a list of strings"
        )
    return list(texts), False


def languages_of(language: str | Sequence[str], count: int) -> list[str]:
    """The language of each text.

    Raises:
        ConfigError: it is not a code, or there is another number of languages than of texts.
    """
    if isinstance(language, str):
        return [language] * count
    if isinstance(language, bytes) or not isinstance(language, Iterable):
        raise ConfigError(
            f"language is a {type(language).__name__}", fix="pass a code, or one for each text"
        )
    languages = list(language)
    require_equal(len(languages), "languages", count, "texts")
    return languages


def require_equal(count: int, what: str, other: int, other_what: str) -> None:
    """Check that two sequences have one entry for each other.

    Raises:
        ConfigError: their lengths differ.
    """
    if count != other:
        raise ConfigError(
            f"there are {count} {what} for {other} {other_what}", fix="pass one for each"
        )


def truncation_warning(count: int, max_tokens: int) -> str:
    """The warning that texts were longer than the longest input."""
    texts = "1 text is" if count == 1 else f"{count:,} texts are"
    return f"{texts} truncated: the model's longest input has {max_tokens} tokens"
