"""A cleaner that drops lines in another language than that of their text."""

from collections.abc import Mapping, Sequence

from xlm.corpus.cleaning.language_models import LanguageModel
from xlm.corpus.cleaning.rows import Row

_LEAST_LETTERS = 20
"""A model is not asked about shorter lines: names and titles look like many languages."""


class OtherLanguage:
    """Drops rows with a side that is surely in another language."""

    reason = "other_language"

    def __init__(
        self,
        model: LanguageModel,
        languages: Sequence[str],
        names: Mapping[str, Sequence[str]],
        certainty: float,
    ) -> None:
        """Judge the sides of `languages`.

        Args:
            names: language to the names that a model may have for it.
            certainty: probability of another language from which a row is dropped.
        """
        self._identify = model.identify
        self._certainty = certainty
        self._known = [model.names.intersection(names[code]) for code in languages]
        self.unknown = [
            code for code, known in zip(languages, self._known, strict=True) if not known
        ]
        """Languages that the model does not know; their sides are kept."""

    def keep(self, row: Row) -> bool:
        """Whether no side is surely in another language."""
        return not self._others(row)

    def detail(self, row: Row) -> str:
        """The languages that were found, with their probabilities."""
        return ", ".join(f"{name} ({certainty:.2f})" for name, certainty in self._others(row))

    def _others(self, row: Row) -> list[tuple[str, float]]:
        found = []
        for side, known in zip(row, self._known, strict=True):
            if not known or sum(map(str.isalnum, side)) < _LEAST_LETTERS:
                continue
            name, certainty = self._identify(side)
            if name not in known and certainty >= self._certainty:
                found.append((name, certainty))
        return found
