"""Rewrites the wikitext of an article before it is extracted."""

from xlm.corpus.wikipedia.markup.entities import make_entities_numeric
from xlm.corpus.wikipedia.markup.marks import has_mark
from xlm.corpus.wikipedia.markup.rows import remove_rows
from xlm.corpus.wikipedia.markup.tags import remove_tags
from xlm.corpus.wikipedia.markup.variants import VARIANT_LANGUAGES, choose_variants
from xlm.corpus.wikipedia.markup.verbatim import (
    escape_false_tags,
    mark_decoded_tags,
    protect_verbatim,
)

_AS_WRITTEN = "original"


def rewrite(text: str, language: str, variant: str) -> str:
    """Rewrite what the extraction would get wrong.

    Args:
        text: the wikitext, without the escapes of the XML.
        variant: the variant chosen in `-{...}-`; `original` keeps the markup.
    """
    if "<" in text:
        text = protect_verbatim(text)
    if "&" in text:
        text = make_entities_numeric(text)
    if "<" in text:
        text = remove_tags(escape_false_tags(text))
    if "<" in text or "&" in text:
        text = mark_decoded_tags(text)
    if variant != _AS_WRITTEN and language in VARIANT_LANGUAGES and has_mark(text, "-{"):
        text = choose_variants(text, variant)
    return remove_rows(text) if "!" in text or "|" in text else text
