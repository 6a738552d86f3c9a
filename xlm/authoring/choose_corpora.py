"""Chooses parallel corpora of OPUS: the best kinds of text first, as many as fit into a budget.

    choice = choose_corpora(cache, ("en", "sw", "yo"), budget_bytes=10**9)
    choice.corpora[0].files      # {"en-sw": MosesFile(...), "en-yo": MosesFile(...)}

Text that people translated comes first, then subtitles, religious text, and sentences that a
program found on web pages. Messages of programs and lists of names are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from xlm.config.languages.declared import Languages
from xlm.config.languages.pairs import ENGLISH, split_pair
from xlm.corpus.parallel.opus_catalogue import MosesFile
from xlm.corpus.parallel.opus_corpora import Kind, known_corpus
from xlm.corpus.parallel.opus_search import FoundCorpus, search_pairs

_MOST_CORPORA: dict[Kind, int] = {"translated": 5, "subtitles": 1, "religious": 1, "web": 2}
"""How many corpora of each kind a pair gets, the best kind first."""
_FEWEST_PAIRS = 100
"""A corpus with fewer lines leaves nothing for the splits."""
_LEAST_PAIRS = 300
"""A corpus with fewer lines is only used if the pair has no other."""
_LARGEST_SHARE = 0.5
"""Most of a pair's budget that one corpus may use: several kinds of text are better than one."""
_OVERLAPPING = (
    frozenset({"CCAligned", "MultiCCAligned"}),
    frozenset({"ParaCrawl", "MultiParaCrawl"}),
    frozenset({"TED2020", "NeuLab-TedTalks", "TedTalks", "TED2013"}),
    frozenset({"UNPC", "MultiUN"}),
    frozenset({"EMEA", "ELRC-EMEA"}),
)
"""Corpora with mostly the same sentences: one of each set is enough."""


@dataclass
class ChosenCorpus:
    """A release of a corpus, and its files by pair."""

    corpus: str
    release: str
    files: dict[str, MosesFile] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The kind of its text."""
        return known_corpus(self.corpus).kind

    @property
    def size_bytes(self) -> int:
        """Size of its files."""
        return sum(file.size_bytes or 0 for file in self.files.values())


@dataclass(frozen=True)
class Choice:
    """The chosen corpora, the best kind first, and what was left out."""

    corpora: tuple[ChosenCorpus, ...]
    too_large: tuple[tuple[str, FoundCorpus], ...]
    """Pair and corpus that would have exceeded the budget."""
    without_text: tuple[str, ...]
    """Pairs that were wanted, but have no corpus."""

    @property
    def pairs(self) -> tuple[str, ...]:
        """The pairs with a corpus."""
        return tuple(sorted({pair for one in self.corpora for pair in one.files}))

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(one.size_bytes for one in self.corpora)


def choose_corpora(
    cache: Path, codes: Sequence[str], table: Languages, budget_bytes: int
) -> Choice:
    """Choose the corpora of the languages.

    With English, the pairs are English and each other language, and for a language with hardly any
    such text those with the other languages too. Without English, they are all pairs.

    Args:
        cache: folder for the unpacked catalogue.
        codes: the languages.
        table: facts about them.
        budget_bytes: most bytes of all files together.
    """
    found = {
        pair: [one for one in corpora if _is_useful(one)]
        for pair, corpora in search_pairs(
            cache, {code: table[code].opus for code in codes if table[code].opus}
        ).items()
    }
    wanted = _wanted_pairs(codes, found)
    chosen: dict[tuple[str, str], ChosenCorpus] = {}
    too_large: list[tuple[str, FoundCorpus]] = []
    left_bytes = budget_bytes
    # Pairs with little text come first: what they do not use is left for the others.
    order = sorted(wanted, key=lambda pair: sum(one.file.size_bytes or 0 for one in found[pair]))
    for place, pair in enumerate(order):
        share_bytes = left_bytes // (len(order) - place)
        for one in _choose(found[pair], share_bytes, pair, too_large):
            corpus = chosen.setdefault(
                (one.corpus, one.release), ChosenCorpus(one.corpus, one.release)
            )
            corpus.files[pair] = one.file
            left_bytes -= one.file.size_bytes or 0
    kinds = list(_MOST_CORPORA)
    corpora = sorted(
        chosen.values(), key=lambda one: (kinds.index(one.kind), -one.size_bytes, one.corpus)
    )
    with_text = {pair for one in corpora for pair in one.files}
    without = tuple(sorted(set(wanted) - with_text | set(_missing(codes, wanted))))
    return Choice(tuple(corpora), tuple(too_large), without)


def _is_useful(one: FoundCorpus) -> bool:
    known = known_corpus(one.corpus).kind in _MOST_CORPORA
    enough = (one.file.pairs or 0) >= _FEWEST_PAIRS and one.file.size_bytes is not None
    return known and one.is_newest and enough


def _wanted_pairs(codes: Sequence[str], found: dict[str, list[FoundCorpus]]) -> list[str]:
    with_text = [pair for pair, corpora in found.items() if corpora]
    if ENGLISH not in codes:
        return with_text
    wanted = [pair for pair in with_text if ENGLISH in split_pair(pair)]
    enough = [
        pair for pair in wanted if sum(one.file.pairs or 0 for one in found[pair]) >= _LEAST_PAIRS
    ]
    reached = {code for pair in enough for code in split_pair(pair)}
    others = [pair for pair in with_text if set(split_pair(pair)) - reached - {ENGLISH}]
    return wanted + others


def _missing(codes: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The pairs that one would expect, but that no corpus has."""
    expected = [
        f"{first}-{second}"
        for first, second in combinations(sorted(codes), 2)
        if ENGLISH not in codes or ENGLISH in (first, second)
    ]
    return [pair for pair in expected if pair not in wanted]


def _choose(
    found: Sequence[FoundCorpus],
    share_bytes: int,
    pair: str,
    too_large: list[tuple[str, FoundCorpus]],
) -> list[FoundCorpus]:
    taken: list[FoundCorpus] = []
    large = [one for one in found if (one.file.pairs or 0) >= _LEAST_PAIRS] or list(found)
    for kind, most in _MOST_CORPORA.items():
        of_kind = [one for one in large if known_corpus(one.corpus).kind == kind]
        count = 0
        for one in of_kind:  # those with the most lines first
            if count == most or _overlaps(one, taken):
                continue
            used = sum(other.file.size_bytes or 0 for other in taken)
            size_bytes = one.file.size_bytes or 0
            if size_bytes > _LARGEST_SHARE * share_bytes or used + size_bytes > share_bytes:
                too_large.append((pair, one))
                continue
            taken.append(one)
            count += 1
    return taken


def _overlaps(one: FoundCorpus, taken: Sequence[FoundCorpus]) -> bool:
    names = {other.corpus for other in taken}
    return any(one.corpus in group and names & group for group in _OVERLAPPING)
