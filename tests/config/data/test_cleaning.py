"""Settings of cleaning: off by default, and refused in one line if they cannot work."""

import pytest

from xlm.config.data.cleaning import CleaningConfig
from xlm.config.reading.resolve import resolve
from xlm.errors import ConfigError


@pytest.mark.parametrize("profile", ["sample", "mini15", "xnli15"])
def test_faithful_profiles_do_not_clean(profile: str) -> None:
    assert resolve(profile).cleaning == CleaningConfig()


def test_modern15_is_mini15_with_cleaners() -> None:
    modern, mini = resolve("modern15"), resolve("mini15")
    renamed = modern.model_copy(update={"cleaning": mini.cleaning, "release": mini.release})
    assert renamed == mini
    cleaning = modern.cleaning
    assert None not in cleaning.model_dump().values()
    assert cleaning.decontaminate
    assert cleaning.duplicates


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["cleaning.min_characters=9", "cleaning.max_characters=8"],
            "cleaning.min_characters 9 is more than cleaning.max_characters 8, so every line",
        ),
        (["cleaning.min_characters=0"], "cleaning.min_characters must be 1 or more, not 0"),
        (["cleaning.max_ratio=1"], "cleaning.max_ratio must be more than 1"),
        (
            ["cleaning.near_duplicates=1.5"],
            "cleaning.near_duplicates must be 0.95 or less, not 1.5",
        ),
        (["cleaning.near_duplicates=true"], "cleaning.near_duplicates must be a number"),
        (["cleaning.duplicates=often"], "cleaning.duplicates must be true or false"),
        (
            ["cleaning.language_certainty=80"],
            "cleaning.language_certainty must be 1.0 or less, not 80",
        ),
        (["cleaning.language_model=''"], "cleaning.language_model"),
        (["cleaning.near_duplicate=0.8"], "did you mean 'near_duplicates'"),
        (
            ["cleaning.decontaminate=true", "classify=null"],
            "cleaning.decontaminate is true, but classify is null",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("mini15", overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
