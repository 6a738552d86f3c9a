"""The schemas of the tests: the same fields as the classes of the client, and they can fail."""

import copy
from typing import Any

import attr
import pytest
from jsonschema import ValidationError
from openlineage.client import facet_v2
from openlineage.client.event_v2 import RunEvent

from tests.pipeline.openlineage.schemas import EVENT, FACETS, SPECIFICATION, require_valid

_URL = f"{SPECIFICATION}/facets/"


def _client_classes() -> dict[str, Any]:
    """The classes of the client, by the version and name of their schema."""
    found = {}
    for module in vars(facet_v2).values():
        for one in vars(module).values() if hasattr(module, "__file__") else ():
            if isinstance(one, type) and hasattr(one, "_get_schema") and attr.has(one):
                schema, _, definition = one._get_schema().removeprefix(_URL).partition(".json#")
                if schema.endswith(definition.rpartition("/")[2]):
                    found[schema] = one
    return found


@pytest.mark.parametrize(("name", "schema"), list(FACETS))
def test_a_facet_has_the_fields_of_its_class(name: str, schema: str) -> None:
    stated = FACETS[name, schema]
    fields = {one.name: one for one in attr.fields(_client_classes()[schema])}
    assert set(stated["properties"]) <= fields.keys()
    required = {name for name, one in fields.items() if one.default is attr.NOTHING}
    assert set(stated["required"]) - {"_producer", "_schemaURL"} == required


def test_an_event_has_the_fields_of_its_class() -> None:
    assert set(EVENT["properties"]) == {one.name for one in attr.fields(RunEvent)}


def _event() -> dict[str, Any]:
    engine = {
        "_producer": "urn:xlm-pipeline:1",
        "_schemaURL": f"{_URL}1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
        "version": "1",
    }
    run = {"runId": "01890000-0000-7000-8000-000000000000", "facets": {"processing_engine": engine}}
    return {
        "eventTime": "2026-11-30T00:00:00+00:00",
        "eventType": "START",
        "producer": "urn:xlm-pipeline:1",
        "schemaURL": f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": run,
        "job": {"namespace": "xlm-pipeline", "name": "toy"},
        "inputs": [],
        "outputs": [],
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("eventTime",), "yesterday"),
        (("eventTime",), "2026-11-30T00:00:00"),
        (("eventType",), "BEGIN"),
        (("producer",), "xlm"),
        (("run", "runId"), "1"),
        (("job", "name"), 1),
        (("job", "title"), "toy"),
        (("inputs",), [{"name": "no namespace"}]),
        (("run", "facets", "processing_engine", "version"), None),
        (("run", "facets", "processing_engine", "release"), "1"),
    ],
)
def test_a_wrong_event_is_refused(path: tuple[str, ...], value: Any) -> None:
    event = _event()
    require_valid(event)
    wrong = copy.deepcopy(event)
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        require_valid(wrong)
