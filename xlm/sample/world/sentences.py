"""Situations as sentences of a language, in one of its natural word orders.

compose("en", Situation(0, 0, Circumstance(0, 0, general=False), None), order=0)
# 'The teacher reads a book in the kitchen.'
"""

from random import Random

from xlm.sample.world.lexicon import ORDERS, Kind, Words, load_lexicon
from xlm.sample.world.situations import Circumstance, Situation

_VERB_END = "*"


def compose(language: str, situation: Situation, order: int) -> str:
    """The sentence, with a capital and a full stop where the language has them."""
    return compose_title(language, situation, order) + load_lexicon()[language].sentence_end


def compose_title(language: str, situation: Situation, order: int) -> str:
    """The sentence without its full stop, as the title of an article."""
    words = load_lexicon()[language]
    phrases = _phrases(words, situation)
    parts = words.orders[order]
    if not phrases[parts[0]]:
        # Nothing to put in front: a German sentence would begin with its verb and ask.
        parts = words.orders[0]
    told = [phrase for part in parts for phrase in phrases[part] if phrase]
    return _capitalise(language, words.joiner.join(told))


def draw_order(chance: Random) -> int:
    """One of a language's orders: which place or time comes first must carry no meaning."""
    return chance.randrange(ORDERS)


def _phrases(words: Words, situation: Situation) -> dict[str, tuple[str, ...]]:
    """The phrases of each part of a sentence; parts that a language does not name are unused."""
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


def _circumstance(kinds: tuple[Kind, ...], told: Circumstance | None) -> tuple[str, ...]:
    if told is None:
        return ()
    kind = kinds[told.kind]
    general = (kind.general,) if told.general else ()
    specific = () if told.specific is None else (kind.specific[told.specific],)
    return general + specific


def _capitalise(language: str, text: str) -> str:
    # Turkish: the capital of a dotted i keeps its dot, or it would come back as another letter.
    first = "İ" if language == "tr" and text.startswith("i") else text[:1].upper()
    return first + text[1:]
