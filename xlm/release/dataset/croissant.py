"""Croissant metadata (JSON-LD, version 1.1) of a folder of shards.

    content = croissant(facts, shards, published="2026-11-28")

Each file is a FileObject with its sha256. Each split of a part is a record set with a name such as
`en-sw.train`, which reads all of its files through a FileSet. Paths are relative to the metadata.

Source: the Croissant format specification, <http://mlcommons.org/croissant/1.1>.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.data.text import UnitKind
from xlm.release.card.licences import combined_terms
from xlm.release.card.references import reference
from xlm.release.dataset.facts import DatasetFacts, unit_title
from xlm.shards.schema import FORMAT_VERSION, ID_COLUMNS, LABEL_COLUMN, LABELLED, LANGUAGE_COLUMNS

CROISSANT_NAME = "croissant.json"
_PARQUET = "application/x-parquet"
_SPECIFICATION = "http://mlcommons.org/croissant/1.1"
_PAPER = "Lample and Conneau 2019"
_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
    "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset",
    "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
    "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
"""The terms of the format that JSON-LD expands with its prefix."""
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}


@dataclass(frozen=True)
class ShardFile:
    """One file of a folder of shards."""

    unit: str
    split: str
    kind: UnitKind
    path: str
    """Relative to the folder: `en-sw/train.00000.parquet`."""
    size_bytes: int
    sha256: str


def croissant(
    facts: DatasetFacts, shards: Sequence[ShardFile], *, published: str
) -> dict[str, Any]:
    """Return the metadata as JSON.

    Args:
        facts: name, sources and languages.
        shards: all files, in the order of their numbers.
        published: the day of the shards, YYYY-MM-DD.
    """
    terms = combined_terms(facts.release.licence, (one.licence for one in facts.sources))
    splits: dict[tuple[str, str], ShardFile] = {}
    for shard in shards:
        splits.setdefault((shard.unit, shard.split), shard)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": facts.release.name,
        "description": "Token ids for pretraining and fine-tuning a cross-lingual language model: "
        "lines of languages, aligned pairs and labelled rows. The data card is README.md.",
        "conformsTo": _SPECIFICATION,
        "version": f"{FORMAT_VERSION}.0.0",
        "datePublished": published,
        "license": _licences(terms.identifier, (one.licence for one in facts.sources)),
        "url": "README.md",
        "creator": {"@type": "sc:Organization", "name": facts.release.author},
        "citeAs": reference(_PAPER),
        "inLanguage": list(_languages(facts)),
        "distribution": [
            *map(_file_object, shards),
            *(_file_set(unit, split) for unit, split in splits),
        ],
        "recordSet": [_record_set(shard, facts) for shard in splits.values()],
    }


def _licences(identifier: str, of_sources: Iterable[str]) -> list[str]:
    return [identifier, *sorted(set(of_sources) - {identifier})]


def _languages(facts: DatasetFacts) -> Mapping[str, None]:
    parts = (unit.unit.rpartition(".")[2] for unit in facts.units)
    return dict.fromkeys(sorted(code for part in parts for code in part.split("-")))


def _file_object(shard: ShardFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard.path,
        "name": shard.path,
        "contentUrl": shard.path,
        "contentSize": f"{shard.size_bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": shard.sha256,
    }


def _file_set(unit: str, split: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"files-{unit}.{split}",
        "name": f"files-{unit}.{split}",
        "description": f"All files of {unit}, split {split}.",
        "encodingFormat": _PARQUET,
        "includes": f"{unit}/{split}.*.parquet",
    }


def _record_set(shard: ShardFile, facts: DatasetFacts) -> dict[str, Any]:
    name = f"{shard.unit}.{shard.split}"
    fields = [
        (column, "cr:Int32", "Token ids, without </s>.", True) for column in ID_COLUMNS[shard.kind]
    ]
    fields += [
        (column, "sc:Text", "Language code.", False) for column in LANGUAGE_COLUMNS[shard.kind]
    ]
    if shard.kind in LABELLED:
        fields.append((LABEL_COLUMN, *_label(shard.kind), False))
    subject = unit_title(shard.unit, facts.names)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{subject}, split {shard.split}.",
        "field": [_field(name, *field) for field in fields],
    }


def _label(kind: UnitKind) -> tuple[str, str]:
    """Data type and description of the label."""
    if kind != "xnli":
        return "sc:Text", "The label."
    named = ", ".join(f"{number} {label}" for number, label in enumerate(XNLI_LABELS))
    return "sc:Integer", f"The label: {named}."


def _field(
    record_set: str, column: str, data_type: str, description: str, is_array: bool
) -> dict[str, Any]:
    shape = {"isArray": True, "arrayShape": "-1"} if is_array else {}
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column}",
        "name": column,
        "description": description,
        "dataType": data_type,
        **shape,
        "source": {
            "fileSet": {"@id": f"files-{record_set}"},
            "extract": {"column": column},
        },
    }
