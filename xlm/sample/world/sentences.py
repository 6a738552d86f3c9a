"""Writes situations as sentences of a language, in one of its natural word orders.

compose("en", Situation(0, 0, Circumstance(0, 0, general=False), None), order=0)
# 'The teacher reads a book in the kitchen.'
"""

from random import Random

from xlm.sample.world.lexicon import ORDERS, Kind, Words, load_lexicon
from xlm.sample.world.situations import Circumstance, Situation

_VERB_END = "*"


def compose(language: str, situation: Situation, order: int) -> str:
    """Write the sentence, with a capital letter and a full stop if the language has them."""
    return compose_title(language, situation, order) + load_lexicon()[language].sentence_end


def compose_title(language: str, situation: Situation, order: int) -> str:
    """Write the sentence without the full stop, as the title of an article."""
    words = load_lexicon()[language]
    phrases = _phrases(words, situation)
    parts = words.orders[order]
    if not phrases[parts[0]]:
        # Without a first part, a German sentence would begin with its verb, as a question does.
        parts = words.orders[0]
    chosen = [phrase for part in parts for phrase in phrases[part] if phrase]
    return _capitalise(language, words.joiner.join(chosen))


def draw_order(rng: Random) -> int:
    """Draw one of the word orders, so that the order of place and time has no meaning."""
    return rng.randrange(ORDERS)


def _phrases(words: Words, situation: Situation) -> dict[str, tuple[str, ...]]:
    """The phrases of each part of a sentence. A language may use only some of the parts."""
    subject, predicate = situation.subject, situation.predicate
    action = words.does_something if predicate is None else words.predicates[predicate]
    verb, _, rest = action.partition(_VERB_END)
    return {
        "S": (words.someone if subject is None else words.subjects[subject],),
        "P": (action,),
        "V": (verb.strip(),),
        "O": (rest.strip(),),
        "L": _circumstance(words.place_kinds, situation.place),
        "T": _circumstance(words.time_kinds, situation.time),
    }


def _circumstance(kinds: tuple[Kind, ...], circumstance: Circumstance | None) -> tuple[str, ...]:
    if circumstance is None:
        return ()
    kind = kinds[circumstance.kind]
    general = (kind.general,) if circumstance.general else ()
    specific = () if circumstance.specific is None else (kind.specific[circumstance.specific],)
    return general + specific


def _capitalise(language: str, text: str) -> str:
    # The capital of the Turkish dotted i has a dot; without it, lower-casing gives another letter.
    first = "İ" if language == "tr" and text.startswith("i") else text[:1].upper()
    return first + text[1:]
