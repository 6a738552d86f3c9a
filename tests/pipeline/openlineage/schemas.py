"""The interface of OpenLineage 2-0-2 as JSON schemas, which no package has.

Written from the field names, types and required fields that https://openlineage.io/spec states,
for the events and facets that a run sends. A field that is not listed is refused, so that a
misspelt one is found.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

Schema = dict[str, Any]

SPECIFICATION = "https://openlineage.io/spec"
_OURS = "urn:xlm-pipeline:"

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_URI: Schema = {"type": "string", "format": "uri"}
_UUID: Schema = {"type": "string", "format": "uuid"}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_FACETS: Schema = {"type": "object"}
"""Each facet is validated by the schema that it names."""
_ANY_FACET = {"_producer": _URI, "_schemaURL": _URI}
_RUN = _object({"runId": _UUID}, {"facets": _FACETS})
_JOB = _object({"namespace": _TEXT, "name": _TEXT}, {"facets": _FACETS})
_TAG = _object({"key": _TEXT, "value": _TEXT}, {"source": _TEXT})


def _dataset(facets: str) -> Schema:
    return _object({"namespace": _TEXT, "name": _TEXT}, {"facets": _FACETS, facets: _FACETS})


def _facet(required: Schema, optional: Schema | None = None) -> Schema:
    return _object(_ANY_FACET | required, optional)


EVENT = _object(
    {"eventTime": _TIME, "producer": _URI, "schemaURL": _URI, "run": _RUN, "job": _JOB},
    {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "inputs": _list(_dataset("inputFacets")),
        "outputs": _list(_dataset("outputFacets")),
    },
)
FACETS = {
    ("version", "1-0-1/DatasetVersionDatasetFacet"): _facet({"datasetVersion": _TEXT}),
    ("dataSource", "1-0-1/DatasourceDatasetFacet"): _facet({}, {"name": _TEXT, "uri": _URI}),
    ("documentation", "1-1-0/DocumentationJobFacet"): _facet(
        {"description": _TEXT}, {"contentType": _TEXT}
    ),
    ("errorMessage", "1-0-1/ErrorMessageRunFacet"): _facet(
        {"message": _TEXT, "programmingLanguage": _TEXT}, {"stackTrace": _TEXT}
    ),
    ("jobType", "2-0-4/JobTypeJobFacet"): _facet(
        {"processingType": _TEXT, "integration": _TEXT}, {"jobType": _TEXT}
    ),
    ("outputStatistics", "1-0-2/OutputStatisticsOutputDatasetFacet"): _facet(
        {}, {"rowCount": _COUNT, "size": _COUNT, "fileCount": _COUNT}
    ),
    ("parent", "1-2-0/ParentRunFacet"): _facet({"run": _RUN, "job": _JOB}),
    ("processing_engine", "1-1-1/ProcessingEngineRunFacet"): _facet(
        {"version": _TEXT}, {"name": _TEXT, "openlineageAdapterVersion": _TEXT}
    ),
    ("tags", "1-0-0/TagsRunFacet"): _facet({}, {"tags": _list(_TAG)}),
}
"""Schemas by the name of a facet, and the version and name of its schema."""

_FORMATS = FormatChecker(["uuid"])
_FORMATS.checks("date-time", raises=ValueError)(
    lambda text: datetime.fromisoformat(text).tzinfo is not None
)
_FORMATS.checks("uri", raises=ValueError)(lambda text: bool(urlsplit(text).scheme))


def require_valid(event: dict[str, Any]) -> None:
    """Validate an event, and each of its facets by the schema that the facet names.

    Raises:
        jsonschema.ValidationError: one is not valid.
    """
    _validate(event, EVENT)
    assert event["schemaURL"] == f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"
    described = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for one in described:
        for kind in ("facets", "inputFacets", "outputFacets"):
            for name, facet in (one.get(kind) or {}).items():
                _require_valid_facet(name, facet)


def _require_valid_facet(name: str, facet: dict[str, Any]) -> None:
    url = facet["_schemaURL"]
    if url.startswith(_OURS):
        assert name.startswith("xlm_")
        _validate({key: facet[key] for key in _ANY_FACET}, _facet({}))
        return
    schema = url.removeprefix(f"{SPECIFICATION}/facets/").partition(".json#")[0]
    _validate(facet, FACETS[name, schema])


def _validate(value: Any, schema: Schema) -> None:
    Draft202012Validator(schema, format_checker=_FORMATS).validate(value)
