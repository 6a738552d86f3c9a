"""Segmentation by ICU, and its message where the package is not installed."""

import importlib.util
import subprocess
import sys

import pytest

from tests.growth import assert_linear
from tests.repository import REPOSITORY
from xlm.errors import ToolError
from xlm.store.keys import tool_version
from xlm.text.chain import tokenizer_for
from xlm.text.segmenters import icu
from xlm.text.segmenters.registry import load_segmenter, segmenter_identity

needs_icu = pytest.mark.skipif(
    importlib.util.find_spec("icu4py") is None, reason="the extra `icu` is not installed"
)


@needs_icu
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("私は本を読む。", "私 は 本 を 読む 。"),
        ("ខ្ញុំចូលចិត្តអានសៀវភៅ។", "ខ្ញុំ ចូលចិត្ត អាន សៀវភៅ ។"),
        ("ຂ້ອຍມັກອ່ານປຶ້ມ", "ຂ້ອຍ ມັກ ອ່ານ ປຶ້ມ"),
        ("ကြိုက်တယ်။", "ကြိုက် တယ် ။"),
        ("ฉันชอบอ่านหนังสือ", "ฉัน ชอบ อ่าน หนังสือ"),
        ("我来到北京", "我 来到 北京"),
        ("  it costs\t3.5 %, 日本  ", "it costs 3.5 % , 日本"),
        ("ขาย20บาทUSAดี", "ขาย 20 บาท USA ดี"),
        ("ใน๒๕๖๓ปี", "ใน ๒๕๖๓ ปี"),
        ("នៅឆ្នាំ2020ជាៗ", "នៅ ឆ្នាំ 2020 ជាៗ"),
        ("ຂ້ອຍUSAມັກ", "ຂ້ອຍ USA ມັກ"),
        ("၂၀၂၀ခုနှစ်တွင်", "၂၀၂၀ ခု နှစ် တွင်"),
        ("2020年にNHKで", "2020 年 に NHK で"),
        ("", ""),
    ],
)
def test_icu_finds_the_words_of_scripts_without_spaces(line: str, words: str) -> None:
    assert load_segmenter("icu")(line) == words


@needs_icu
def test_no_character_is_lost() -> None:
    line = "a\0b\u200bc\u2028d\ufeffe👩‍👩‍👧e\u0301\U0010ffff日本語ក្ខ"
    assert load_segmenter("icu")(line).replace(" ", "") == line.replace("\u2028", "")


@needs_icu
def test_punctuation_is_normalized_before_the_words_are_found() -> None:
    assert tokenizer_for("ja", {"ja": "icu"})("「本」を、読む。") == '" 本 " を , 読む .'


@needs_icu
def test_the_identity_names_icu_and_the_package() -> None:
    name, _, package = segmenter_identity("icu").partition(", ")
    assert name.startswith("ICU ")
    assert package == f"icu4py {tool_version('icu4py')}"


@needs_icu
@pytest.mark.slow
@pytest.mark.parametrize("character", ["က", "ក", "ກ", "あ", "漢", "1", "日本語"])
def test_a_run_of_one_character_takes_linear_time(character: str) -> None:
    segment = load_segmenter("icu")
    line = character * (100_000 // len(character))
    assert_linear(lambda length: segment(line[:length]), len(line))


def test_without_the_package_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(icu, "find_spec", lambda name: None)
    for function in (icu.load, icu.identity):
        with pytest.raises(ToolError, match=r"icu4py is not installed; run `pip install 'xlm-pip"):
            function()


@needs_icu
def test_a_plan_imports_no_icu_unless_it_is_chosen() -> None:
    program = (
        "import sys\n"
        "from xlm.text.segmenters.registry import segmenter_identity\n"
        "segmenter_identity('jieba'); assert 'icu4py' not in sys.modules\n"
        "segmenter_identity('icu'); assert 'icu4py.breakers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)
