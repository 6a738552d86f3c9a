"""Validation of objects as the API server does it: against the published schemas, strictly.

The schemas of the core API are in the package kubernetes-validate. That of JobSet is in
`jobset-v1alpha2.schema.json`: the CRD of kubernetes-sigs/jobset 0.13 (Apache-2.0), without its
descriptions.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
from jsonschema import Draft202012Validator

JOBSET_SCHEMA = Path(__file__).with_name("jobset-v1alpha2.schema.json")
VERSIONS = ("1.29", "1.31", "1.34", "1.37")
"""Versions of Kubernetes that our objects are valid in."""


def errors_of(document: dict[str, Any], *, version: str = VERSIONS[-1]) -> list[str]:
    """What is wrong with an object; empty: nothing."""
    if document.get("kind") == "JobSet":
        found = list(_jobset().iter_errors(document))
        return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return _job_errors(document) if document.get("kind") == "Job" else []


def _job_errors(job: dict[str, Any]) -> list[str]:
    """Rules of the API server that are not in the schema."""
    spec, errors = job["spec"], []
    for rule in spec.get("podFailurePolicy", {}).get("rules", []):
        values = rule.get("onExitCodes", {}).get("values", [])
        if values != sorted(set(values)):
            errors.append("spec.podFailurePolicy.rules.onExitCodes.values: must be ordered")
    if spec.get("podFailurePolicy") and spec["template"]["spec"]["restartPolicy"] != "Never":
        errors.append("spec.template.spec.restartPolicy: must be Never with podFailurePolicy")
    return errors


@cache
def _jobset() -> Draft202012Validator:
    schema = json.loads(JOBSET_SCHEMA.read_text(encoding="utf-8"))
    _refuse_unknown_fields(schema)
    schema["properties"]["metadata"] = {"type": "object"}
    return Draft202012Validator(schema)


def _refuse_unknown_fields(schema: Any) -> None:
    """What the API server does with `fieldValidation=Strict`."""
    if isinstance(schema, list):
        for one in schema:
            _refuse_unknown_fields(one)
    if not isinstance(schema, dict):
        return
    is_object = schema.get("type") == "object" and "properties" in schema
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        for name in ("type", "pattern"):
            schema.pop(name, None)
        schema["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    for one in schema.values():
        _refuse_unknown_fields(one)
