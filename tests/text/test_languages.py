"""Every language of the table goes through the text path."""

import pytest

from xlm.config.languages.segmenters import recommended_segmenter
from xlm.config.languages.table import read_table
from xlm.text.chain import moses_language, tokenizer_for
from xlm.text.moses.prefixes import has_prefixes

TEXT = "O'Neil paid 3.5 % – «bien», 私は本を読む。 សួស្តី ពិភពលោក"


@pytest.mark.slow
def test_every_language_of_the_table_can_be_tokenized() -> None:
    pytest.importorskip("icu4py")
    for code, entry in read_table().items():
        segmenter = recommended_segmenter(entry)
        tokens = tokenizer_for(code, {code: segmenter} if segmenter else {})(TEXT).split()
        assert "paid" in tokens, code
        assert "".join(tokens).startswith("o'neilpaid3.5%"), code


def test_the_rules_of_another_language_can_be_chosen() -> None:
    assert tokenizer_for("xx", {}, "fr")("L'eau") == tokenizer_for("fr", {})("L'eau") == "l' eau"
    assert tokenizer_for("xx", {})("L'eau") == "l ' eau"
    assert tokenizer_for("wa", {"wa": "command:/bin/cat"}, "fr")("3\u00a04") == "3,4"
    assert (moses_language("tet"), moses_language("xx", "tet")) == ("tdt", "tdt")
    assert has_prefixes("tdt")
