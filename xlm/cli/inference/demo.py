"""`xlm demo`: a local page that uses a model."""

from pathlib import Path

from xlm.cli.output import show
from xlm.cli.progress_lines import ProgressLines
from xlm.demo.corpus import Corpus, read_corpus, sample_sentences
from xlm.demo.serve import serve
from xlm.inference.model import Model


def demo(model: Model, corpus: Path | None, *, host: str, port: int) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        ConfigError: the address cannot be used.
        DataError: the corpus is invalid.
    """
    if corpus is None:
        sentences = sample_sentences(model.languages)
    else:
        sentences = read_corpus(corpus, model.languages)
    with ProgressLines("demo", "sentences of the corpus", total=len(sentences)) as progress:
        embedded = Corpus.embedded(model, sentences, progress.update)
    serve(
        model,
        embedded,
        host=host,
        port=port,
        announce=lambda url: show(f"xlm demo: {url} (Ctrl-C stops it)"),
    )
