"""The query of ``/allocation_candidates`` as groups of resources with their conditions."""

from __future__ import annotations

import dataclasses
import re

from ....core.errors import BadRequest
from ....core.http.call import Call
from .. import candidate, search
from . import queries

KEYS = re.compile(r"(resources|required|member_of|in_tree)(.*)", re.DOTALL)
NAMED = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclasses.dataclass
class Group:
    """What the query says of one suffix."""

    resources: dict[str, int] = dataclasses.field(default_factory=dict)
    traits: queries.Traits = dataclasses.field(default_factory=queries.Traits)
    members: queries.Members = dataclasses.field(default_factory=queries.Members)
    in_tree: str = ""

    def ask(self) -> candidate.Ask:
        """The group as the search knows it."""
        return candidate.Ask(self.resources, self.traits.any_of, self.traits.forbidden, self.members.any_of,
                             self.members.forbidden, self.in_tree)


def suffixes(call: Call) -> dict[str, Group]:
    """The groups by suffix. :raises BadRequest: one is without resources, or malformed."""
    found: dict[str, Group] = {}
    for key, values in call.query.items():
        match = KEYS.fullmatch(key)
        if match:
            _fill(call, found.setdefault(match.group(2), Group()), match.group(1), key, values)
    return found


def _fill(call: Call, group: Group, kind: str, key: str, values: list[str]) -> None:
    if kind == "resources":
        group.resources = queries.resources(values[-1])
    elif kind == "required":
        group.traits = queries.traits(call, key, values)
    elif kind == "member_of":
        group.members = queries.members(call, key, values)
    else:
        group.in_tree = queries.uuid(key, values[-1])


def wanted(call: Call) -> search.Wanted:
    """The whole request. :raises BadRequest: its parts do not belong together."""
    groups = suffixes(call)
    subtrees = _subtrees(call, groups)
    _refuse_orphans(call, groups, {suffix for one in subtrees for suffix in one})
    granular = [suffix for suffix, group in groups.items() if suffix and group.resources]
    policy = next(iter(call.many("group_policy")), "")
    if "group_policy" in call.query and policy not in ("none", "isolate"):
        raise BadRequest(f"Invalid query string parameters: '{policy}' is not one of ['none', 'isolate']")
    if len(granular) > 1 and not policy:
        raise BadRequest("The \"group_policy\" parameter is required when specifying more than one "
                         "\"resources{N}\" parameter.")
    root = _root(call)
    return search.Wanted({suffix: group.ask() for suffix, group in groups.items()}, policy == "isolate", subtrees,
                         root.any_of, root.forbidden, _limit(call), call.since("1.29"))


def _root(call: Call) -> queries.Traits:
    values = call.many("root_required")
    if len(values) > 1:
        raise BadRequest("Query parameter 'root_required' may be specified only once.", check="query",
                         code="placement.query.duplicate_key")
    return queries.traits(call, "root_required", values)


def _subtrees(call: Call, groups: dict[str, Group]) -> list[list[str]]:
    found = []
    for value in call.many("same_subtree"):
        names = [one.strip() for one in value.split(",")]
        if not all(names):
            raise BadRequest(f"Empty string (unsuffixed group) can not be specified in `same_subtree`: {value}",
                             code=queries.BAD_VALUE)
        unknown = sorted(set(names).difference(groups))
        if unknown:
            raise BadRequest(f"Real suffixes should be specified in `same_subtree`: {', '.join(unknown)} not found "
                             "in query.", code=queries.BAD_VALUE)
        found.append(names)
    return found


def _refuse_orphans(call: Call, groups: dict[str, Group], tied: set[str]) -> None:
    bare = [suffix for suffix, group in groups.items() if not group.resources]
    if not call.since("1.36"):
        if not call.since("1.25") and "" not in groups:
            raise BadRequest("'resources' is a required property", check="query")
        _refuse_orphaned_kind("traits", "required", [one for one in bare if groups[one].traits.names()])
        _refuse_orphaned_kind("member_of", "member_of", [one for one in bare if groups[one].members])
        if bare:
            raise BadRequest("All request groups must specify resources.")
    if not groups:
        raise BadRequest("At least one request group (`resources` or `resources{$S}`) is required.")
    if len(bare) == len(groups):
        raise BadRequest("There must be at least one resources or resources[$S] parameter.",
                         code="placement.query.missing_value")
    for suffix in bare:
        if not suffix:
            raise BadRequest("All traits, member_of and in_tree parameters without a suffix must be associated with "
                             "resources.")
        if suffix not in tied:
            raise BadRequest("Resourceless suffixed group request should be specified in `same_subtree` query param: "
                             f"bad group(s) - {suffix}", code=queries.BAD_VALUE)


def _refuse_orphaned_kind(kind: str, key: str, suffixes: list[str]) -> None:
    if suffixes:
        raise BadRequest(f"All {kind} parameters must be associated with resources.  Found the following orphaned "
                         f"{kind} keys: {', '.join(sorted(key + suffix for suffix in suffixes))}")


def _limit(call: Call) -> int:
    if "limit" not in call.query:
        return 0
    text = call.many("limit")[0]
    if not queries.NATURAL.fullmatch(text) or int(text) < 1:
        raise BadRequest(f"Invalid query string parameters: Failed validating 'pattern': '{text}' does not match "
                         "'^[1-9][0-9]*$'")
    return int(text)
