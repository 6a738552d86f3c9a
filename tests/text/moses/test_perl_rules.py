"""Differences of sacremoses from the Perl scripts: the table of docs/explanation/text-path.md.

Each row is asked three times: of the chain, of plain sacremoses (which must differ, or the row is
no longer needed), and of the scripts themselves where MOSES_HOME points to them.
"""

import re
from pathlib import Path

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from sacremoses import MosesPunctNormalizer, MosesTokenizer

from tests.text.moses.moses_home import filtered, scripts_or_skip, tokenized
from xlm.text.chain import cased_tokenizer_for
from xlm.text.moses.prefixes import prefixes_of
from xlm.text.moses.punctuation import RULES, SIGNS_OF_RULES, punctuation_filter
from xlm.text.moses.tokenizer import moses_tokenizer

# What Perl does, language, raw, tokens.
MENDED = [
    ("quotes go before stops, but in English and Czech", "sw", 'a "b." c', 'a " b " . c'),
    ("the newline satisfies the not-followed-by-< of that rule", "vi", '"a."', '" a " .'),
    ("the digits of that rule are ASCII", "de", "٣\u00a0٤", "٣ ٤"),
    ("category C becomes a space", "en", "a\u200bb\u00adc\ue000d\u0378e", "a b c d e"),
    ("marks that are not Alphabetic are cut off", "hi", "वेल्श", "वेल ् श"),
    ("mathematical and Cherokee letters are letters", "en", "𝒳y ꭰꭱ", "𝒳y ꭰꭱ"),
    ("a line of white space passes", "en", "\u00a0 \u3000", "\u00a0 \u3000"),
    ("the last word's full stop is always split", "en", "I saw the U.S.", "I saw the U.S ."),
    ("Irish splits as French does", "ga", "d'a", "d' a"),
    ("Somali keeps glottal stops", "so", "ba'an 'a", "ba'an ' a"),
    ("Tetun too, before small letters", "tdt", "ha'u ha'U", "ha'u ha ' U"),
    ("Finnish keeps a colon before a small letter", "fi", "EU:ssa klo:5", "EU:ssa klo : 5"),
    ("Swedish too", "sv", "USA:s USA:", "USA:s USA :"),
    ("Catalan keeps the middle dot", "ca", "il·lusió", "il·lusió"),
    ("but its second rule reads it as two characters", "ca", "xÂ·5 x·5", "x Â· 5 x·5"),
    ("DOTMULTI before one stop hides it", "en", "DOTMULTI.x DOTDOTMULTI", ".. x .."),
    ("an entry with a trailing blank never matches", "es", "Fil. Ana", "Fil . Ana"),
    ("a numeric entry of Tetun", "tdt", "Nu. 5", "Nu. 5"),
]  # fmt: skip
ids = [row[0] for row in MENDED]


def plain_sacremoses(language: str, line: str) -> str:
    """The chain as a user of the library would write it."""
    normalizer = MosesPunctNormalizer(lang=language, pre_replace_unicode_punct=True)
    line = regex.sub(r"\p{C}", "", normalizer.normalize(line))
    tokens: str = MosesTokenizer(lang=language).tokenize(line, escape=False, return_str=True)
    return tokens


@pytest.mark.parametrize(("rule", "language", "raw", "expected"), MENDED, ids=ids)
def test_the_chain_does_as_perl(rule: str, language: str, raw: str, expected: str) -> None:
    assert cased_tokenizer_for(language, {})(raw) == expected
    assert moses_tokenizer(language)(punctuation_filter(language)(raw)) == expected


@pytest.mark.parametrize(("rule", "language", "raw", "expected"), MENDED, ids=ids)
def test_sacremoses_alone_does_not(rule: str, language: str, raw: str, expected: str) -> None:
    assert plain_sacremoses(language, raw) != expected


@pytest.mark.parametrize(("rule", "language", "raw", "expected"), MENDED, ids=ids)
def test_the_scripts_do(rule: str, language: str, raw: str, expected: str) -> None:
    scripts = scripts_or_skip()
    assert tokenized(scripts, language, filtered(scripts, language, [raw])) == [expected]


_SIGNS = st.text("()\r .!:;?,%5`'„–—´‘‚«»\u00a0nºCcma<\"", max_size=20)


@settings(deadline=None)
@given(line=_SIGNS)
def test_the_other_substitutions_are_those_of_sacremoses(line: str) -> None:
    """Its list, with perl_parity and ASCII classes; Czech has no rule for quotes behind it."""
    rules = MosesPunctNormalizer(
        lang="cs", norm_quote_commas=False, norm_numbers=True, perl_parity=True
    ).substitutions
    expected = line
    for pattern, replacement in rules:
        expected = re.sub(pattern, replacement, expected, flags=re.ASCII)
    assert punctuation_filter("cs")(line) == expected


@settings(deadline=None)
@given(line=st.text("，。、”“∶：？《》）！（；」「０１９．～’…━〈〉【】％ a", max_size=20))
def test_the_signs_that_become_ascii_are_those_of_sacremoses(line: str) -> None:
    expected = line
    for pattern, replacement in MosesPunctNormalizer.REPLACE_UNICODE_PUNCTUATION:
        expected = re.sub(pattern, replacement, expected)
    assert cased_tokenizer_for("cs", {})(line) == cased_tokenizer_for("cs", {})(expected)


def test_words_without_the_signs_of_a_rule_may_pass_all_rules() -> None:
    passed = [needed for needed, _, _ in RULES if set(needed).isdisjoint(SIGNS_OF_RULES)]
    assert set(passed) == {"''"}


def test_prefix_lists_are_those_of_the_scripts() -> None:
    folder: Path = scripts_or_skip().parents[1] / "scripts" / "share" / "nonbreaking_prefixes"
    files = sorted(folder.glob("nonbreaking_prefix.*"))
    assert len(files) > 30
    for path in files:
        expected = {}
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line and not line.startswith("#"):
                numeric = re.match(r"(.*)\s+#NUMERIC_ONLY#", line)
                expected[numeric[1] if numeric else line] = numeric is not None
        assert prefixes_of(path.suffix.removeprefix(".")) == expected, path.name
