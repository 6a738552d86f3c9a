"""Writes the profile: the chosen sources and sizes, with the reasons as comments."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from xlm.authoring.choose_corpora import Choice, ChosenCorpus
from xlm.authoring.own_files import OwnEntry
from xlm.authoring.scale import Device, Scale
from xlm.authoring.yaml_lines import comment, inline, joined, section
from xlm.config.data.corpora import OpusCorpus
from xlm.config.data.sources import RESERVED_IDS
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.languages.segmenters import DEFAULT_SEGMENTERS, recommended_segmenter
from xlm.config.languages.table import Language
from xlm.corpus.parallel.opus_corpora import KINDS, known_corpus
from xlm.display.markdown import format_size

_SHOWN_LEFT_OUT = 6
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Draft:
    """Everything that a profile is written from."""

    command: str
    """The command line that writes it."""
    languages: Sequence[Language]
    declared: Sequence[dict[str, Any]]
    """Declarations of the languages that the table does not contain."""
    scale: Scale
    device: Device
    wikipedias: Sequence[Language] = ()
    head_bytes: int = 0
    """Most bytes of each dump."""
    date: str = ""
    """Date of the dumps."""
    choice: Choice = field(default_factory=lambda: Choice((), (), ()))
    texts: Sequence[OwnEntry] = ()
    pairs: Sequence[OwnEntry] = ()
    xnli: Sequence[Language] = ()
    """Languages that XNLI tests; empty: no classification task."""

    @property
    def has_pairs(self) -> bool:
        """Whether there is parallel text."""
        return bool(self.choice.corpora or self.pairs)

    @property
    def has_text(self) -> bool:
        """Whether there is monolingual text."""
        return bool(self.wikipedias or self.texts)


def compose(draft: Draft) -> str:
    """The profile as YAML."""
    parts = (
        _head(draft),
        ["", "sources:", *_monolingual(draft), *_parallel(draft)],
        ["", *_text(draft)],
        ["", *_model(draft)],
        ["", *_task(draft)],
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    names = joined([one.name for one in draft.languages])
    yield from comment(f"{names}. This profile was written by")
    yield f"#   {draft.command}"
    yield "# and is used with"
    yield "#   xlm plan --profile my.yaml         what a run would do (my.yaml is this file)"
    yield "#   xlm sources ls --profile my.yaml   what it downloads"
    yield "#   xlm run --profile my.yaml          run it"
    yield from comment(
        "Change anything: `xlm config --profile my.yaml` lists all settings. Those that are not "
        "here have the defaults of the paper."
    )
    declared = {one["code"]: one for one in draft.declared}
    yield f"languages: {inline([declared.get(one.code, one.code) for one in draft.languages])}"


def _monolingual(draft: Draft) -> Iterator[str]:
    if not draft.wikipedias:
        reason = "your own text" if draft.texts else "no text but the pairs"
        yield f"  wikipedia: null  # {reason}"
    else:
        without = [one.name for one in draft.languages if one not in draft.wikipedias]
        note = (
            f"Wikipedia: of each dump, at most the first {format_size(draft.head_bytes)}. If the "
            "server no longer has this date, the error names a newer one."
        )
        yield from comment(note + (f" Not of {joined(without)}." if without else ""), indent=2)
        settings: dict[str, Any] = {"date": draft.date, "head_bytes": draft.head_bytes}
        if without:
            settings["languages"] = [one.code for one in draft.wikipedias]
        yield f"  wikipedia: {inline(settings)}"
    if draft.texts:
        yield from _entries("text", draft.texts, "Your text: one sentence or paragraph per row.")


def _entries(name: str, entries: Sequence[OwnEntry], note: str) -> Iterator[str]:
    guess = " The columns were chosen by their names and contents: check them."
    yield from comment(note + guess * any(one.is_guess for one in entries), indent=2)
    yield f"  {name}:"
    for entry in entries:
        yield f"    - {inline(entry.settings)}  # about {format_size(entry.text_bytes)} of text"


def _parallel(draft: Draft) -> Iterator[str]:
    if not draft.has_pairs:
        yield "  parallel: []  # no pairs"
        return
    if draft.pairs:
        yield from _entries("parallel", draft.pairs, "Your pairs: sentences and translations.")
    else:
        yield from comment(
            f"Parallel text of OPUS, {format_size(draft.choice.size_bytes)}. What people "
            "translated comes first, then the rest in the order of quality.",
            indent=2,
        )
        yield "  parallel:"
    last = None
    for one, entry in zip(draft.choice.corpora, _opus_entries(draft.choice.corpora), strict=True):
        if one.kind != last:
            yield from comment(f"{one.kind}: {KINDS[one.kind]}", indent=4)
            last = one.kind
        yield f"    - {inline(entry)}  # {_facts(one)}"
    yield from _left_out(draft.choice)


def _opus_entries(corpora: Sequence[ChosenCorpus]) -> Iterator[dict[str, Any]]:
    """The settings of each corpus, with a name where its id is taken."""
    seen = set(RESERVED_IDS)
    for one in corpora:
        entry = {
            "kind": "opus",
            "corpus": one.corpus,
            "version": one.release,
            "pairs": sorted(one.files),
            "licence": known_corpus(one.corpus).licence_text,
        }
        corpus_id = OpusCorpus(corpus=one.corpus, version=one.release).id
        if corpus_id in seen:
            release = re.sub(r"[^a-z0-9]", "_", one.release.lower())
            corpus_id = entry["name"] = f"{corpus_id}_{release}"
        seen.add(corpus_id)
        yield entry


def _facts(corpus: ChosenCorpus) -> str:
    files = sorted(corpus.files.items())
    if len(files) == 1:
        ((_, file),) = files
        return f"{file.pairs:,} pairs, {format_size(file.size_bytes)}"
    counts = ", ".join(f"{pair} {file.pairs:,}" for pair, file in files)
    return f"{counts} pairs, {format_size(corpus.size_bytes)}"


def _left_out(choice: Choice) -> Iterator[str]:
    if choice.too_large:
        largest = sorted(choice.too_large, key=lambda one: -(one[1].file.pairs or 0))
        names = [
            f"{one.corpus} {pair} ({format_size(one.file.size_bytes)})"
            for pair, one in largest[:_SHOWN_LEFT_OUT]
        ]
        more = len(largest) - len(names)
        others = f", and {more} more (`xlm sources find`)" if more else ""
        yield from comment(f"Over the budget: {', '.join(names)}{others}.", indent=4)
    if choice.without_text:
        yield from comment(f"OPUS has no text of {joined(list(choice.without_text))}.", indent=4)


def _text(draft: Draft) -> Iterator[str]:
    fraction = draft.scale.split_fraction
    yield f"split: {inline({'valid_fraction': fraction, 'test_fraction': fraction})}"
    chosen = {one.code: recommended_segmenter(one) for one in draft.languages}
    added = {code: name for code, name in chosen.items() if name and code not in DEFAULT_SEGMENTERS}
    if added:
        names = joined([one.name for one in draft.languages if one.code in added])
        yield from comment(f"{names}: no spaces between words, so a segmenter finds them.")
        yield f"text: {inline({'segmenters': added})}"
    yield from comment(
        f"BPE merges and vocabulary: {draft.scale.codes:,} merges for this amount of text, and "
        f"room for the characters of {_languages(len(draft.languages))}."
    )
    yield f"bpe: {inline({'codes': draft.scale.codes})}"
    yield f"vocabulary: {inline({'size': draft.scale.vocabulary})}"


def _model(draft: Draft) -> Iterator[str]:
    scale = draft.scale
    where = "on GPUs" if draft.device == "cuda" else "on a CPU"
    yield from comment(
        f"A {scale.name} model, about {max(scale.parameters // 10**6, 1):,} million parameters, "
        f"trained {where}."
        + (" `xlm init --device cuda` writes larger sizes." if draft.device == "cpu" else "")
    )
    yield f"model: {inline(scale.model)}"
    settings = dict(scale.pretrain)
    if not draft.has_pairs:
        settings = {"objectives": ["mlm"]} | settings
    elif not draft.has_text:
        settings = {"objectives": ["tlm"]} | settings
    yield from section("pretrain", settings)


def _task(draft: Draft) -> Iterator[str]:
    if not draft.xnli:
        yield "classify: null  # the run ends with a masked language model"
    else:
        codes = {one.code for one in draft.xnli}
        others = [one.name for one in draft.languages if one.code not in codes]
        names = joined([one.name for one in draft.xnli])
        note = f"XNLI: fine-tuned on English, tested in {names}."
        yield from comment(note + (f" It has no {joined(others)}." if others else ""))
        yield "classify: {task: xnli}"
        yield from section("finetune", draft.scale.finetune)
        if draft.device == "cuda":
            yield "evaluate: {device: cuda}"
    yield f"release: {inline({'name': _name(draft.languages)})}"


def _name(languages: Sequence[Language]) -> str:
    name = "xlm-" + "-".join(one.code for one in languages)
    return name if len(name) <= _LONGEST_NAME else f"xlm-{len(languages)}-languages"


def _languages(number: int) -> str:
    return "1 language" if number == 1 else f"{number} languages"


def xnli_languages(languages: Sequence[Language]) -> tuple[Language, ...]:
    """Those languages that XNLI tests."""
    return tuple(one for one in languages if one.code in XNLI_LANGUAGES)
