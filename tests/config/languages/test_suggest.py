"""What the message about an unknown language suggests."""

import pytest

from xlm.config.languages.pairs import KNOWN_LANGUAGES, language
from xlm.config.languages.suggest import language_called, nearest_language
from xlm.errors import ConfigError


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *(("german", "de"), ("Norwegian", "no"), ("Swahilli", "sw"), ("kinyarwanda", "rw")),
        *(("cmn", "zh"), ("swh", "sw"), ("ENG", "en"), ("abk", "ab"), ("kmr", "ku")),
        *(("zh-yue", "yue"), ("zh_min_nan", "nan"), ("be-x-old", "be_tarask"), ("bat-smg", "sgs")),
        *(("pt_BR", "pt"), ("zh-TW", "zh"), ("sr-Latn", "sr"), ("ja\n", "ja")),
        *(("itt", "it"), ("jaa", "ja"), ("prt", "pt")),
    ],
)
def test_other_codes_names_and_typos_lead_to_the_language(code: str, expected: str) -> None:
    assert nearest_language(code, KNOWN_LANGUAGES.values()) == language(expected)
    with pytest.raises(ConfigError) as caught:
        language(code)
    assert f"did you mean '{expected}' ({language(expected).name})?" in str(caught.value)


def test_a_similar_code_is_not_another_name_of_a_language() -> None:
    known = KNOWN_LANGUAGES.values()
    assert nearest_language("luo", known) == language("lo")
    assert language_called("luo", known) is None
    for name in ("swh", "swa", "Swahili"):
        assert language_called(name, known) == language("sw")


@pytest.mark.parametrize("code", ["xx", "qqqqqq", "simple", "", "日本", "x" * 1000])
def test_nothing_similar_gives_no_suggestion(code: str) -> None:
    assert nearest_language(code, KNOWN_LANGUAGES.values()) is None


@pytest.mark.parametrize(
    ("code", "example"), [("xyz", "xyz"), ("xx_old", "xx_old"), ("x-y", "xx"), ("", "xx")]
)
def test_the_message_says_how_to_declare_a_language(code: str, example: str) -> None:
    with pytest.raises(ConfigError) as caught:
        language(code)
    message = str(caught.value)
    assert "`xlm languages` lists the known ones" in message
    assert f"{{code: {example}, name: NAME, tokenizer: en}}" in message
    assert "\n" not in message
    assert len(message) < 250
