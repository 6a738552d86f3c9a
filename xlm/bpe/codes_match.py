"""Whether codes can be those of a vocabulary, where no hash says so.

require_codes_match(vocabulary, Path("codes_xnli_15"))

Splitting by codes leaves single characters and what their merges make, nothing else. So every
longer token of a vocabulary is made by a merge of its own codes, wherever the list was cut and
whatever later merges consumed. The other way round nothing follows: a vocabulary of few languages
or little text has few of the pieces that its codes make, so how many of these it has is not asked.

What cannot be seen: codes that go on where the right ones end, or make all pieces of a small
vocabulary besides their own.
"""

from pathlib import Path

from xlm.bpe.codes_file import read_merge_ranks
from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS, Vocabulary
from xlm.errors import DataError

_END = "</w>"
_TOKENS_A_STRANGER = 100
"""Fewer than one token in so many may be made by no merge: words that were added by hand."""
_SHOWN_LETTERS = 40


def require_codes_match(vocabulary: Vocabulary, codes: Path) -> None:
    """Refuse codes that do not make a vocabulary's tokens.

    Raises:
        DataError: the file is not a codes file, or that of another vocabulary; names a token.
    """
    made = {token for left, right in read_merge_ranks(codes) for token in _written(left + right)}
    longer = [
        token
        for token in vocabulary.tokens[NUM_SPECIAL_TOKENS:]
        if len(token.removesuffix(CONTINUATION_MARKER)) > 1
    ]
    strangers = [token for token in longer if token not in made]
    if len(strangers) * _TOKENS_A_STRANGER < len(longer):
        return
    shown = f", not {strangers[0][:_SHOWN_LETTERS]!r}" if strangers else ""
    raise DataError(
        f"the codes {codes} make {len(longer) - len(strangers)} of the vocabulary's {len(longer)} "
        f"tokens of several characters{shown}",
        fix="give the codes that the vocabulary was made with",
    )


def _written(piece: str) -> tuple[str, ...]:
    """A piece as a token; a text that itself holds `</w>` can make it anywhere in a word."""
    continued = f"{piece}{CONTINUATION_MARKER}"
    return (piece.removesuffix(_END), continued) if piece.endswith(_END) else (continued,)
