"""Lines with sentences of the dev and test rows."""

from pathlib import Path

import pytest

from xlm.corpus.cleaning.decontamination import (
    Contaminated,
    EvaluationSentences,
    read_evaluation_sentences,
)

SENTENCE = "Mtoto wangu alikwenda sokoni jana asubuhi pamoja na mama yake mzazi."


def _keeps(line: str, *sentences: str, size: int = 8, unspaced: bool = False) -> bool:
    return Contaminated([EvaluationSentences(sentences, size, unspaced=unspaced)]).keep((line,))


@pytest.mark.parametrize(
    "line",
    [
        SENTENCE,
        SENTENCE.upper(),
        f"Alisema: « {SENTENCE.replace(' ', '  ')} » Halafu aliondoka.",
        "wangu alikwenda, sokoni jana (asubuhi) pamoja na mama",
    ],
)
def test_a_run_of_words_in_common_is_found(line: str) -> None:
    assert not _keeps(line, "Sentensi nyingine kabisa.", SENTENCE)


@pytest.mark.parametrize(
    "line",
    [
        "wangu alikwenda sokoni jana asubuhi pamoja na",
        "Mtoto wangu alikwenda sokoni leo asubuhi pamoja na mama yake mzazi.",
        "",
        "...",
    ],
)
def test_fewer_words_in_common_are_no_reason(line: str) -> None:
    assert _keeps(line, SENTENCE)


def test_a_short_sentence_is_the_complete_line() -> None:
    assert not _keeps("Anakula chakula!", "anakula chakula")
    assert _keeps("Jana anakula chakula.", "anakula chakula")


def test_sentences_without_letters_are_ignored() -> None:
    assert _keeps("?!", "...")
    assert _keeps("", "")


def test_languages_without_spaces_compare_characters() -> None:
    sentence = "他昨天早上和他的母亲一起去市场买了很多新鲜的蔬菜和水果"
    assert not _keeps(f"她说，{sentence}。然后走了。", sentence, size=24, unspaced=True)
    assert _keeps(sentence[:20], sentence, size=24, unspaced=True)
    assert not _keeps("是的。", "是的", size=24, unspaced=True)


def test_each_side_has_the_sentences_of_its_language() -> None:
    cleaner = Contaminated([None, EvaluationSentences([SENTENCE], 8)])
    assert cleaner.keep((SENTENCE, "Tafsiri."))
    assert not cleaner.keep(("A translation.", SENTENCE))
    assert cleaner.detail(("A translation.", SENTENCE)) == (
        "mtoto wangu alikwenda sokoni jana asubuhi pamoja na"
    )


def test_sentences_are_read_without_labels_and_training_rows(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("a b\tc d\tneutral\n")
    (tmp_path / "valid.tsv").write_text("e f\tg h\tentailment\n")
    (tmp_path / "test.tsv").write_text("i j\tneutral\n")
    assert list(read_evaluation_sentences(tmp_path)) == ["e f", "g h", "i j"]
