"""Check that a codes file belongs to a vocabulary for which no hash is known.

    require_codes_match(vocabulary, Path("codes_xnli_15"))

Applying BPE merges leaves single characters and results of merges, nothing else. So each longer
token of a vocabulary is the result of a merge in its codes file, wherever the vocabulary was cut.
The reverse does not hold: a vocabulary of few languages or little text lacks many of the subwords
that its merges can produce. Only the first direction is checked.

The check accepts two kinds of wrong files: one that continues after the end of the right file, and
one with merges that also produce all subwords of a small vocabulary.
"""

from pathlib import Path

from xlm.bpe.codes_file import read_merges
from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS, Vocabulary
from xlm.errors import DataError

_WORD_END = "</w>"
_TOKENS_PER_ADDED_WORD = 100
"""Fewer than one token in 100 may come from no merge: words that were added by hand."""
_SHOWN_CHARACTERS = 40


def require_codes_match(vocabulary: Vocabulary, codes: Path) -> None:
    """Refuse a codes file if its merges do not produce the tokens of a vocabulary.

    Raises:
        DataError: the file is not a codes file, or does not match; the message names a token.
    """
    produced = {
        token
        for left, right in read_merges(codes).ranks
        for token in _tokens_of_symbol(left + right)
    }
    longer = [
        token
        for token in vocabulary.tokens[NUM_SPECIAL_TOKENS:]
        if len(token.removesuffix(CONTINUATION_MARKER)) > 1
    ]
    missing = [token for token in longer if token not in produced]
    if len(missing) * _TOKENS_PER_ADDED_WORD < len(longer):
        return
    shown = f", not {missing[0][:_SHOWN_CHARACTERS]!r}" if missing else ""
    raise DataError(
        f"the merges of {codes} produce {len(longer) - len(missing)} of the vocabulary's "
        f"{len(longer)} tokens of two or more characters{shown}",
        fix="use the codes file that the vocabulary was made with",
    )


def _tokens_of_symbol(symbol: str) -> tuple[str, ...]:
    """The tokens of a symbol. One that ends in `</w>` can be inside a word that contains `</w>`."""
    continued = f"{symbol}{CONTINUATION_MARKER}"
    return (
        (symbol.removesuffix(_WORD_END), continued) if symbol.endswith(_WORD_END) else (continued,)
    )
