"""A model gets the most restrictive terms of its sources."""

import pytest

from xlm.release.card.licences import combined_terms


@pytest.mark.parametrize(
    ("sources", "identifier"),
    [
        ((), "apache-2.0"),
        (("Apache-2.0", "CC-BY-2.0-FR", "OANC"), "apache-2.0"),
        (("CC-BY-SA-4.0", "CC-BY-4.0"), "cc-by-sa-4.0"),
        (("CC-BY-NC-4.0",), "cc-by-nc-4.0"),
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), "cc-by-nc-sa-4.0"),
        (("CC-BY-NC-SA-4.0",), "cc-by-nc-sa-4.0"),
        (("CC-BY-SA-4.0", "see https://tanzil.net/docs/Text_License"), "other"),
        (("CC-BY-ND-4.0",), "other"),
    ],
)
def test_identifier_follows_from_the_sources(sources: tuple[str, ...], identifier: str) -> None:
    assert combined_terms("Apache-2.0", sources).identifier == identifier


def test_restrictions_list_the_licences_that_impose_them() -> None:
    terms = combined_terms("apache-2.0", ["CC-BY-NC-4.0", "CC-BY-SA-4.0", "see its page"])
    assert terms.non_commercial == ("CC-BY-NC-4.0",)
    assert terms.share_alike == ("CC-BY-SA-4.0",)
    assert terms.unclear == ("see its page",)
