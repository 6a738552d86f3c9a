"""`xlm evaluate --task xnli`: the accuracy on XNLI, as the paper reports it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from xlm.classification.results.paper import MLM, MLM_TLM, PAPER
from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.rows import measure_rows, require_labels
from xlm.cli.sources.transfer_progress import TransferProgress
from xlm.config.data.downloads import spec_of
from xlm.config.data.sources import XNLI_ID, SourcesConfig
from xlm.config.environment import MachineSettings
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.mirror import mirror_path
from xlm.corpus.sources.mirror_copy import MirrorCopy
from xlm.corpus.xnli.archives import LABELS, NliPair, read_evaluation_set
from xlm.errors import ConfigError, DataError
from xlm.evaluation.classification import LabelledRows, is_of_the_published_shape
from xlm.inference.model import Model
from xlm.store.store import ArtifactStore

_SPLITS = {"dev": "valid", "test": "test"}
_PAPER = {f"paper, {name.rpartition(' ')[2]}": PAPER[name] for name in (MLM_TLM, MLM)}
Pairs = Mapping[str, Sequence[NliPair]]


def prepare_xnli(options: Options) -> Callable[[Model], None]:
    """Read the file of XNLI; without one, XNLI is downloaded when the model is known to fit.

    Raises:
        ConfigError: the file does not exist.
        DataError: it is not XNLI, is damaged, or lacks a language.
    """
    split = options.split or "test"
    if not options.files:
        return lambda model: _download_and_measure(model, split, options)
    path = options.files[0]
    if not path.exists():
        raise ConfigError(f"{path} does not exist", fix="pass the zip or a TSV of XNLI")
    pairs = _read(path, split, options)
    return lambda model: _measure(model, pairs, split, str(path), options)


def _download_and_measure(model: Model, split: str, options: Options) -> None:
    _require_fit(model, options)
    with _downloaded(options.mirror) as path:
        pairs = _read(path, split, options)
    _measure(model, pairs, split, SourcesConfig().xnli.url, options)


def _require_fit(model: Model, options: Options) -> None:
    require_labels(model, LABELS, "XNLI")
    for code in options.languages:
        model.require_language(code)


def _read(path: Path, split: str, options: Options) -> Pairs:
    found = read_evaluation_set(path, _SPLITS[split], options.limit)
    for code in options.languages:
        if code not in found:
            raise DataError(
                f"{path} has no rows in {code[:40]!r}; it has {' '.join(found) or 'none'}",
                fix="correct --lang",
            )
    if not found:
        raise DataError(f"{path} has no rows", fix="pass the zip or a TSV of XNLI")
    return found


@contextmanager
def _downloaded(mirror: str | None) -> Iterator[Path]:
    """The archive of XNLI: in a folder that is a mirror, or downloaded to the cache of the store.

    Raises:
        SourceError: the server does not send it.
    """
    sources = SourcesConfig(mirror=mirror)
    spec = spec_of(sources, XNLI_ID)
    mirrored = mirror_path(mirror, sources.xnli.url) if mirror else None
    if mirrored is not None and mirrored.is_file():
        yield mirrored
        return
    root = MachineSettings.from_environment(None).root
    store = ArtifactStore.open(root, write=False)
    with store.tool_cache() as cache, open_client(mirror, sources.network) as client:
        folder = cache / "evaluation"
        progress = TransferProgress()
        copy = MirrorCopy(folder, cache)
        try:
            file = copy.add(XNLI_ID, spec, Fetcher(client, sources.network, progress=progress))
        finally:
            progress.end()
        copy.close()
        path = mirror_path(str(folder), file.url)
        assert path is not None
        yield path


def _measure(model: Model, pairs: Pairs, split: str, source: str, options: Options) -> None:
    _require_fit(model, options)
    languages = options.languages or tuple(code for code in model.languages if code in pairs)
    if not languages:
        raise ConfigError(
            f"XNLI has no language of the model: it has {' '.join(pairs)}",
            fix="use --task classify with your own rows",
        )
    rows = [_rows(model, code, pairs[code]) for code in languages]
    paper = _PAPER if is_of_the_published_shape(model) and split == "test" else None
    counts = {len(one.labels) for one in rows}
    notes = [
        f"XNLI {split}, {' to '.join(f'{n:,}' for n in sorted({min(counts), max(counts)}))} rows "
        "a language; Wilson intervals of accuracy, bootstrap intervals of macro-F1."
    ]
    if paper and options.limit:
        notes.append("The paper's figures are of all 5,010 rows a language.")
    measure_rows(
        model,
        rows,
        options,
        title="XNLI, in per cent",
        facts={"split": split, "source": source},
        paper=paper,
        notes=notes,
    )


def _rows(model: Model, code: str, pairs: Sequence[NliPair]) -> LabelledRows:
    return LabelledRows(
        language=code,
        first=[pair.premise for pair in pairs],
        second=[pair.hypothesis for pair in pairs],
        labels=[model.labels.index(pair.label) for pair in pairs],
        name=lambda index: f"XNLI, row {index + 1} of {code},",
    )
