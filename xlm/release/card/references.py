"""The full references of publications that sources name in short, for cards.

    reference("Conneau et al. 2018")   # "Conneau et al. 2018: XNLI: ... <https://...>"

A publication that is not in the table is shown in its short form.
"""

from collections.abc import Iterable

_ANTHOLOGY = "https://aclanthology.org"
_REFERENCES = {
    "Abdelali et al. 2014": (
        "The AMARA Corpus: Building Parallel Language Resources for the Educational Domain. LREC",
        f"{_ANTHOLOGY}/L14-1675",
    ),
    "Bañón et al. 2020": (
        "ParaCrawl: Web-Scale Acquisition of Parallel Corpora. ACL",
        f"{_ANTHOLOGY}/2020.acl-main.417",
    ),
    "Conneau et al. 2018": (
        "XNLI: Evaluating Cross-lingual Sentence Representations. EMNLP",
        f"{_ANTHOLOGY}/D18-1269",
    ),
    "Eisele and Chen 2010": (
        "MultiUN: A Multilingual Corpus from United Nation Documents. LREC",
        f"{_ANTHOLOGY}/L10-1473",
    ),
    "Federmann et al. 2022": (
        "NTREX-128 – News Test References for MT Evaluation of 128 Languages. SUMEval",
        f"{_ANTHOLOGY}/2022.sumeval-1.4",
    ),
    "Koehn 2005": (
        "Europarl: A Parallel Corpus for Statistical Machine Translation. MT Summit",
        f"{_ANTHOLOGY}/2005.mtsummit-papers.11",
    ),
    "Kunchukuttan et al. 2018": (
        "The IIT Bombay English-Hindi Parallel Corpus. LREC",
        f"{_ANTHOLOGY}/L18-1548",
    ),
    "Lample and Conneau 2019": (
        "Cross-lingual Language Model Pretraining. NeurIPS",
        "https://arxiv.org/abs/1901.07291",
    ),
    "Lison and Tiedemann 2016": (
        "OpenSubtitles2016: Extracting Large Parallel Corpora from Movie and TV Subtitles. LREC",
        f"{_ANTHOLOGY}/L16-1147",
    ),
    "Schwenk et al. 2021": (
        "WikiMatrix: Mining 135M Parallel Sentences in 1620 Language Pairs from Wikipedia. EACL",
        f"{_ANTHOLOGY}/2021.eacl-main.115",
    ),
    "Tiedemann 2012": (
        "Parallel Data, Tools and Interfaces in OPUS. LREC",
        f"{_ANTHOLOGY}/L12-1246",
    ),
    "Williams et al. 2018": (
        "A Broad-Coverage Challenge Corpus for Sentence Understanding through Inference. NAACL",
        f"{_ANTHOLOGY}/N18-1101",
    ),
    "Yang et al. 2019": (
        "PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification. EMNLP",
        f"{_ANTHOLOGY}/D19-1382",
    ),
    "Ziemski et al. 2016": (
        "The United Nations Parallel Corpus v1.0. LREC",
        f"{_ANTHOLOGY}/L16-1561",
    ),
}


def reference(citation: str) -> str:
    """Return the full reference of a publication, or its short form if it is not in the table."""
    if citation not in _REFERENCES:
        return citation
    title, url = _REFERENCES[citation]
    return f"{citation}: {title}. <{url}>"


def reference_list(citations: Iterable[str]) -> str:
    """Render the distinct publications as a list, in alphabetical order; empty for none."""
    return "\n".join(f"* {reference(one)}" for one in sorted(set(filter(None, citations))))
