"""Searches for marks of wikitext that most pages do not have."""


def has_mark(text: str, mark: str) -> bool:
    """Whether `mark` is in `text`.

    Python finds a single character many times faster than two, and most pages do not even have the
    first one.
    """
    return mark[0] in text and mark in text
