"""Differences of sacremoses from the Perl scripts: the table of docs/explanation/text-path.md.

Each row is tokenized three times: by this package, by sacremoses (which must differ, or the row is
no longer needed), and by the scripts if MOSES_HOME points to them.
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

# Behavior of Perl, language, raw line, tokens.
DIFFERENCES = [
    ("quotes move before stops, except in English and Czech", "sw", 'a "b." c', 'a " b " . c'),
    ("the newline satisfies the not-followed-by-< of that rule", "vi", '"a."', '" a " .'),
    ("the digits of that rule are ASCII", "de", "٣\u00a0٤", "٣ ٤"),
    ("category C becomes a space", "en", "a\u200bb\u00adc\ue000d\u0378e", "a b c d e"),
    ("marks that are not Alphabetic are separated", "hi", "वेल्श", "वेल ् श"),
    ("mathematical and Cherokee letters are letters", "en", "𝒳y ꭰꭱ", "𝒳y ꭰꭱ"),
    ("a line of white space does not change", "en", "\u00a0 \u3000", "\u00a0 \u3000"),
    ("the last word's full stop is always split", "en", "I saw the U.S.", "I saw the U.S ."),
    ("Irish splits as French does", "ga", "d'a", "d' a"),
    ("Somali keeps glottal stops", "so", "ba'an 'a", "ba'an ' a"),
    ("Tetun too, before lowercase letters", "tdt", "ha'u ha'U", "ha'u ha ' U"),
    ("Finnish keeps a colon before a lowercase letter", "fi", "EU:ssa klo:5", "EU:ssa klo : 5"),
    ("Swedish too", "sv", "USA:s USA:", "USA:s USA :"),
    ("Catalan keeps the middle dot", "ca", "il·lusió", "il·lusió"),
    ("but its second rule reads it as two characters", "ca", "xÂ·5 x·5", "x Â· 5 x·5"),
    ("DOTMULTI before one stop hides it", "en", "DOTMULTI.x DOTDOTMULTI", ".. x .."),
    ("an entry with a trailing space never matches", "es", "Fil. Ana", "Fil . Ana"),
    ("a numeric entry of Tetun", "tdt", "Nu. 5", "Nu. 5"),
]  # fmt: skip
ids = [row[0] for row in DIFFERENCES]


def plain_sacremoses(language: str, line: str) -> str:
    """Tokenize with sacremoses, as a user of the library would."""
    normalizer = MosesPunctNormalizer(lang=language, pre_replace_unicode_punct=True)
    line = regex.sub(r"\p{C}", "", normalizer.normalize(line))
    tokens: str = MosesTokenizer(lang=language).tokenize(line, escape=False, return_str=True)
    return tokens


@pytest.mark.parametrize(("rule", "language", "raw", "expected"), DIFFERENCES, ids=ids)
def test_tokens_equal_those_of_perl(rule: str, language: str, raw: str, expected: str) -> None:
    assert cased_tokenizer_for(language, {})(raw) == expected
    assert moses_tokenizer(language)(punctuation_filter(language)(raw)) == expected


@pytest.mark.parametrize(("rule", "language", "raw", "expected"), DIFFERENCES, ids=ids)
def test_tokens_of_sacremoses_differ(rule: str, language: str, raw: str, expected: str) -> None:
    assert plain_sacremoses(language, raw) != expected


@pytest.mark.parametrize(("rule", "language", "raw", "expected"), DIFFERENCES, ids=ids)
def test_the_scripts_produce_the_expected_tokens(
    rule: str, language: str, raw: str, expected: str
) -> None:
    scripts = scripts_or_skip()
    assert tokenized(scripts, language, filtered(scripts, language, [raw])) == [expected]


_SIGNS = st.text("()\r .!:;?,%5`'„–—´‘‚«»\u00a0nºCcma<\"", max_size=20)


@settings(deadline=None)
@given(line=_SIGNS)
def test_the_other_substitutions_equal_those_of_sacremoses(line: str) -> None:
    """Its list, with perl_parity and ASCII classes; Czech has no rule for quotes after it."""
    rules = MosesPunctNormalizer(
        lang="cs", norm_quote_commas=False, norm_numbers=True, perl_parity=True
    ).substitutions
    expected = line
    for pattern, replacement in rules:
        expected = re.sub(pattern, replacement, expected, flags=re.ASCII)
    assert punctuation_filter("cs")(line) == expected


@settings(deadline=None)
@given(line=st.text("，。、”“∶：？《》）！（；」「０１９．～’…━〈〉【】％ a", max_size=20))
def test_the_signs_that_become_ascii_equal_those_of_sacremoses(line: str) -> None:
    expected = line
    for pattern, replacement in MosesPunctNormalizer.REPLACE_UNICODE_PUNCTUATION:
        expected = re.sub(pattern, replacement, expected)
    assert cased_tokenizer_for("cs", {})(line) == cased_tokenizer_for("cs", {})(expected)


def test_each_rule_needs_one_of_the_signs_of_rules() -> None:
    missed = [needed for needed, _, _ in RULES if set(needed).isdisjoint(SIGNS_OF_RULES)]
    assert set(missed) == {"''"}


def test_prefix_lists_equal_those_of_the_scripts() -> None:
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
