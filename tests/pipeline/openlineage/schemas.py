"""The JSON schemas of OpenLineage, without a network.

The files in `schemas/` are those of https://github.com/OpenLineage/OpenLineage (folder `spec`,
Apache-2.0), unchanged.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

_FOLDER = Path(__file__).with_name("schemas")
_OURS = "urn:xlm-pipeline:"


@cache
def _registry() -> Any:
    schemas = [json.loads(path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))]
    return Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in schemas])


def _validate(value: Any, schema: str) -> None:
    Draft202012Validator(
        {"$ref": schema},
        registry=_registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    ).validate(value)


def require_valid(event: dict[str, Any]) -> None:
    """Validate an event, and each of its facets by the schema that the facet names.

    Raises:
        jsonschema.ValidationError: one is not valid.
    """
    _validate(event, event["schemaURL"])
    described = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for one in described:
        for kind in ("facets", "inputFacets", "outputFacets"):
            for name, facet in (one.get(kind) or {}).items():
                if facet["_schemaURL"].startswith(_OURS):
                    assert name.startswith("xlm_")
                    continue
                _validate({name: facet}, facet["_schemaURL"].partition("#")[0])
