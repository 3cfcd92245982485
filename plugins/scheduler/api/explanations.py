"""Why a server is where it is, or nowhere: line by line for administrators, in few words for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ....core.services.compute import ComputeService, Trial
from ..redaction import redacted
from ..service import Scheduler

WORD = {"type": "string", "minLength": 1, "maxLength": 255}
VALUE = {"type": "string", "maxLength": 4096}
TRIAL = {"type": "object", "required": ["trial"], "additionalProperties": False, "properties": {"trial": {
    "type": "object", "required": ["flavor"], "additionalProperties": False, "properties": {
        "flavor": WORD, "image": WORD, "availability_zone": WORD,
        "hints": {"type": "object", "maxProperties": 32, "additionalProperties": {
            "anyOf": [VALUE, {"type": "array", "items": VALUE, "maxItems": 128}]}}}}}}


def _shown(call: Call, lines: Sequence[str]) -> list[str]:
    return list(lines) if call.allows("scheduler:explain_fully") else redacted(lines)


def of_server(service: Scheduler, call: Call) -> Mapping[str, Any]:
    """Why a server found no host when it was made, or, for any other, what a decision would say now."""
    server_id = call.path["server_id"]
    placing = service.kit.peers.of(ComputeService).placing(call.context, server_id)
    lines = placing.said or service.explain(call.context, placing.request)
    return {"explanation": {"server_id": server_id, "of": "failure" if placing.said else "now",
                            "lines": _shown(call, lines)}}


def of_trial(service: Scheduler, call: Call) -> Mapping[str, Any]:
    """What a decision would say now of a server that nobody asked for. Nothing is claimed."""
    asked = call.body["trial"]
    hints = {name: [value] if isinstance(value, str) else value for name, value in asked.get("hints", {}).items()}
    trial = Trial(flavor=asked["flavor"], image=asked.get("image", ""), zone=asked.get("availability_zone", ""),
                  hints=hints)
    request = service.kit.peers.of(ComputeService).trial(call.context, trial)
    return {"explanation": {"server_id": None, "of": "now",
                            "lines": _shown(call, service.explain(call.context, request))}}


OPERATIONS = (
    Operation("GET", "/v1/servers/{server_id}/explanation", of_server, "scheduler:explain_server",
              summary="Explain where a server is"),
    Operation("POST", "/v1/explanations", of_trial, "scheduler:explain_trial", body=TRIAL,
              summary="Explain where a server would go"),
)
