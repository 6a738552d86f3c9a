"""What is known about corpora of OPUS beyond the catalogue: kind of text, licence, citation.

    known_corpus("Tatoeba")   # KnownCorpus("Tatoeba", "translated", "CC-BY-2.0-FR", ...)

The catalogue lists neither licences nor authors. The licences here are those that the corpora
state themselves; for any other corpus, its page on OPUS says what is known.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["translated", "subtitles", "religious", "web", "software", "names", "unknown"]

KINDS: dict[Kind, str] = {
    "translated": "sentences that people translated",
    "subtitles": "subtitles of films: short, often free translations",
    "religious": "translations of religious texts",
    "web": "sentences of web pages that a program matched: large, with errors",
    "software": "messages of programs, often single words",
    "names": "names and titles, not sentences",
    "unknown": "look at the page of the corpus",
}
"""What each kind contains, the best text for training first."""

_OPUS = "Tiedemann 2012"


@dataclass(frozen=True, slots=True)
class KnownCorpus:
    """One corpus of OPUS."""

    name: str
    kind: Kind
    licence: str = ""
    """Empty: not stated in a form that can be named in a word."""
    citation: str = _OPUS

    @property
    def licence_text(self) -> str:
        """The licence, or where to find it."""
        return self.licence or f"see https://opus.nlpl.eu/{self.name}"


_CORPORA = (
    KnownCorpus("ALT", "translated", "CC-BY-4.0", "Riza et al. 2016"),
    KnownCorpus("Anuvaad", "web", "CC-BY-4.0"),
    KnownCorpus("bible-uedin", "religious", "CC0-1.0", "Christodouloupoulos and Steedman 2015"),
    KnownCorpus("Books", "translated"),
    KnownCorpus("CCAligned", "web", citation="El-Kishky et al. 2020"),
    KnownCorpus("CCMatrix", "web", citation="Schwenk et al. 2021, Fan et al. 2021"),
    KnownCorpus("DGT", "translated", citation="Steinberger et al. 2012"),
    KnownCorpus("ECB", "translated"),
    KnownCorpus("ECDC", "translated", citation="Steinberger et al. 2014"),
    KnownCorpus("EMEA", "translated"),
    KnownCorpus("EUbookshop", "translated", citation="Skadiņš et al. 2014"),
    KnownCorpus("EUconst", "translated"),
    KnownCorpus("EuroPat", "web", "CC0-1.0", "Heafield et al. 2022"),
    KnownCorpus("Europarl", "translated", citation="Koehn 2005"),
    KnownCorpus("GlobalVoices", "translated", "CC-BY-3.0"),
    KnownCorpus("GNOME", "software"),
    KnownCorpus("GoURMET", "web", "CC0-1.0"),
    KnownCorpus("IITB", "translated", "CC-BY-NC-SA-4.0", "Kunchukuttan et al. 2018"),
    KnownCorpus("infopankki", "translated"),
    KnownCorpus("JESC", "subtitles", "CC-BY-SA-4.0", "Pryzant et al. 2018"),
    KnownCorpus("JParaCrawl", "web", citation="Morishita et al. 2020"),
    KnownCorpus("JRC-Acquis", "translated", citation="Steinberger et al. 2006"),
    KnownCorpus("KDE4", "software"),
    KnownCorpus("KDEdoc", "software"),
    KnownCorpus("KFTT", "translated", "CC-BY-SA-3.0", "Neubig 2011"),
    KnownCorpus("LinguaTools-WikiTitles", "names"),
    KnownCorpus("MultiCCAligned", "web", citation="El-Kishky et al. 2020"),
    KnownCorpus("MultiParaCrawl", "web", "CC0-1.0", "Bañón et al. 2020"),
    KnownCorpus("MultiUN", "translated", citation="Eisele and Chen 2010"),
    KnownCorpus("NeuLab-TedTalks", "translated", "CC-BY-NC-ND-4.0", "Qi et al. 2018"),
    KnownCorpus("News-Commentary", "translated"),
    KnownCorpus("OpenOffice", "software"),
    KnownCorpus("OpenSubtitles", "subtitles", citation="Lison and Tiedemann 2016"),
    KnownCorpus("ParaCrawl", "web", "CC0-1.0", "Bañón et al. 2020"),
    KnownCorpus("PHP", "software"),
    KnownCorpus("pmindia", "translated", "CC-BY-4.0", "Haddow and Kirefu 2020"),
    KnownCorpus("QED", "translated", citation="Abdelali et al. 2014"),
    KnownCorpus("Samanantar", "web", "CC0-1.0", "Ramesh et al. 2022"),
    KnownCorpus("SETIMES", "translated"),
    KnownCorpus("Tanzil", "religious"),
    KnownCorpus("Tatoeba", "translated", "CC-BY-2.0-FR"),
    KnownCorpus("TED2013", "translated", "CC-BY-NC-ND-4.0"),
    KnownCorpus("TED2020", "translated", "CC-BY-NC-ND-4.0", "Reimers and Gurevych 2020"),
    KnownCorpus("TedTalks", "translated", "CC-BY-NC-ND-4.0"),
    KnownCorpus("tico-19", "translated", "CC0-1.0", "Anastasopoulos et al. 2020"),
    KnownCorpus("TildeMODEL", "translated", citation="Rozis and Skadiņš 2017"),
    KnownCorpus("Ubuntu", "software"),
    KnownCorpus("UNPC", "translated", citation="Ziemski et al. 2016"),
    KnownCorpus("WikiMatrix", "web", "CC-BY-SA-4.0", "Schwenk et al. 2021"),
    KnownCorpus("wikimedia", "translated"),
    KnownCorpus("Wikipedia", "web", citation="Wołk and Marasek 2014"),
    KnownCorpus("WikiTitles", "names"),
    KnownCorpus("WMT-News", "translated"),
    KnownCorpus("XLEnt", "names", citation="El-Kishky et al. 2021"),
)

_BY_NAME = {corpus.name: corpus for corpus in _CORPORA}


def known_corpus(name: str) -> KnownCorpus:
    """The facts about a corpus by its name in OPUS; of kind `unknown` if there are none."""
    return _BY_NAME.get(name) or KnownCorpus(name, "unknown")
