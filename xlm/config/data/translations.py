"""Names of English translations of labelled rows: `sw-en` are rows of sw in English.

in_english("sw")             # "sw-en"
original_of("xnli.sw-en")    # "sw"
original_of("xnli.sw")       # ""
"""

from xlm.config.languages.pairs import ENGLISH

_SUFFIX = f"-{ENGLISH}"


def in_english(code: str) -> str:
    """The name of the rows of a language in English."""
    return f"{code}{_SUFFIX}"


def original_of(name: str) -> str:
    """The language whose rows are translated; empty: they are not.

    Args:
        name: a unit of the task, `xnli.sw-en`, or the rows alone, `sw-en`. Not a language pair,
            whose name can be the same: `ar-en`.
    """
    rows = name.rpartition(".")[2]
    return rows.removesuffix(_SUFFIX) if rows.endswith(_SUFFIX) else ""
