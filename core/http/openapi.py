"""The OpenAPI document of an API, from its table of operations (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .table import Api, Operation, Query, is_versioned, version

KINDS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer"}, "natural": {"type": "integer", "minimum": 0}, "boolean": {"type": "boolean"},
    "uuid": {"type": "string", "format": "uuid"}, "moment": {"type": "string", "format": "date-time"}}


def document(api: Api, release: str) -> dict[str, Any]:
    """The document of ``api``. Where a body differs by microversion, the newest form is given."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in api.operations:
        methods = paths.setdefault(api.prefix + (operation.path or "/"), {})
        _add(methods, operation)
    return {"openapi": "3.1.0", "info": {"title": f"Stratolith {api.name}", "version": release}, "paths": paths,
            "components": {"securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}}}}


def _add(methods: dict[str, Any], operation: Operation) -> None:
    """Actions share a method: their bodies become alternatives."""
    name = operation.method.lower()
    entry = _entry(operation)
    body = newest_body(operation)
    if body is not None:
        known = methods.get(name, {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        alternatives = [*known.get("schema", {}).get("anyOf", []), body]
        entry["requestBody"] = {"content": {"application/json": {"schema": {"anyOf": alternatives}}}}
    methods[name] = entry


def _entry(operation: Operation) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.name, "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {str(operation.status): {"description": "Done."}, "default": {"description": "A fault."}},
        "x-openstack-rule": operation.rule}
    if operation.since or operation.until:
        entry["x-openstack-microversions"] = {"min": operation.since or None, "max": operation.until or None}
    if not operation.public:
        entry["security"] = [{"token": []}]
    return entry


def newest_body(operation: Operation) -> Mapping[str, Any] | None:
    """The schema of the newest microversion, or none."""
    body = operation.body
    if body is None or not is_versioned(body):
        return body
    return body[max(body, key=version)]


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", operation.path)]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    query = operation.query
    if not isinstance(query, Query):
        query = query[max(query, key=version)]
    return [{"name": name, "in": "query", "schema": _kind(kind)} for name, kind in query.known.items()]


def _kind(kind: str) -> dict[str, Any]:
    single = kind.lstrip("*")
    if single.startswith("one of:"):
        schema: dict[str, Any] = {"enum": [word.strip() for word in single[7:].split(",")]}
    else:
        schema = dict(KINDS.get(single, {"type": "string"}))
    return {"type": "array", "items": schema} if kind.startswith("*") else schema
