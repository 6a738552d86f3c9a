"""`xlm evaluate --task perplexity`: the perplexity of a text."""

from collections.abc import Callable
from dataclasses import asdict

from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.output import report
from xlm.cli.inference.lines import TextLines
from xlm.cli.progress_lines import ProgressLines
from xlm.display.markdown import format_decimal, format_integer, format_percent
from xlm.errors import DataError
from xlm.evaluation.perplexity import (
    PerplexityRule,
    TextPerplexity,
    TokenFile,
    count_chunks,
    perplexity_of_text,
    rule_of,
    with_options,
)
from xlm.inference.model import Model

_MANY_UNKNOWN = 0.02
"""Share of unknown tokens from which the perplexity of the others says little about a text."""


def prepare_perplexity(options: Options) -> Callable[[Model], None]:
    """Check the text.

    Raises:
        ConfigError: the file cannot be read.
        DataError: the text is not UTF-8, or empty.
    """
    source = TextLines.of(options.files[0] if options.files else None)
    not_blank = 0

    def count(line: str, _: int) -> None:
        nonlocal not_blank
        not_blank += bool(line.strip())

    if source.check(count) is not None and not not_blank:
        raise DataError(f"{source.name} has no text", fix="pass a text, one sentence a line")
    return lambda model: _measure(model, source, options)


def _measure(model: Model, source: TextLines, options: Options) -> None:
    (language,) = options.languages
    model.require_head()
    model.require_language(language)
    rule = with_options(rule_of(model.path, model.max_tokens), options.seed or 0, options.limit)
    with TokenFile() as text:
        _encode(model, source, language, text)
        total = count_chunks(text, rule)
        measured = min(total, options.limit or total)
        with ProgressLines("evaluate", "chunks", total=measured) as progress:
            found = perplexity_of_text(model, text, language, rule, progress.update)
    if not found.predicted:
        raise DataError(f"{source.name} has no token to predict", fix="pass a longer text")
    _report(options, model, found, rule, measured, total)


def _encode(model: Model, source: TextLines, language: str, text: TokenFile) -> None:
    """Write the ids of all lines; blank lines are skipped.

    Raises:
        DataError: a line is not UTF-8 or has no tokens, or there is no text.
    """
    with ProgressLines("evaluate", "lines", beginning="encode the text") as progress:
        for part in source.parts():
            kept = [(part.first + i, line) for i, line in enumerate(part.lines) if line.strip()]
            name = source.name_of([number for number, _ in kept])
            text.add(model.encode([line for _, line in kept], language=language, name=name))
            if part.error is not None:
                raise part.error
            progress.update(part.first + len(part.lines) - 1)
    if not text.lines:
        raise DataError(f"{source.name} has no text", fix="pass a text, one sentence a line")


def _report(
    options: Options,
    model: Model,
    found: TextPerplexity,
    rule: PerplexityRule,
    measured: int,
    total: int,
) -> None:
    (language,) = options.languages
    causal = model.encoder.description.causal
    objective = "causal" if causal else "masked"
    header = ("language", "perplexity", "accuracy", "predicted", "tokens", "unknown", "lines")
    row = (
        language,
        format_decimal(found.perplexity),
        format_percent(found.accuracy),
        format_integer(found.predicted),
        format_integer(found.tokens),
        format_integer(found.unknown),
        format_integer(found.lines),
    )
    method = (
        "each token from those before it"
        if causal
        else f"15 % of the tokens masked at once, seed {rule.seed}, "
        + ("with" if rule.special_tokens else "without")
        + " </s> and <unk>"
    )
    results = {
        "language": language,
        "objective": objective,
        **asdict(found),
        "chunks": measured,
        "text_chunks": total,
        "rule": asdict(rule),
    }
    counted = "1 chunk" if total == 1 else f"{total:,} chunks"
    counted = counted if measured == total else f"the first {measured:,} of {counted}"
    notes = [f"Predicted in {counted} of {rule.stream_tokens} tokens; {method}."]
    if found.unknown > _MANY_UNKNOWN * found.tokens and not rule.special_tokens:
        notes.append(
            f"{format_percent(found.unknown / found.tokens)} % of the tokens are not in the "
            "vocabulary and are not predicted: the perplexity is that of the others."
        )
    report(
        options,
        model,
        results,
        [(f"Perplexity of the {objective} language model", header, [row])],
        notes,
    )
