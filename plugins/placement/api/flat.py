"""The candidates of a world without trees, written as JSON at once: a thousand providers are a thousand short texts.

Ids are UUIDs and classes are capitals, digits and underscores, so none needs an escape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ....core.http.table import Version

AMOUNTS = '"%s":{"capacity":%d,"used":%d}'
"""Of one class: its name, its capacity and its use."""


def request_template(version: Version, resources: Mapping[str, int]) -> str:
    """One way for a provider, whose id is to be filled in, to give all ``resources`` by itself."""
    wanted = msgspec.json.encode(resources).decode()
    if version < (1, 12):
        return f'{{"allocations":[{{"resource_provider":{{"uuid":"%s"}},"resources":{wanted}}}]}}'
    if version < (1, 34):
        return f'{{"allocations":{{"%s":{{"resources":{wanted}}}}}}}'
    return f'{{"allocations":{{"%s":{{"resources":{wanted}}}}},"mappings":{{"":["%s"]}}}}'


def summary_template(version: Version, classes: Sequence[str], more: str = "") -> str:
    """What there is at a provider: the id, capacity and use of each of ``classes``, and ``more`` of them.

    Then the traits as JSON, where :func:`ends` says so, and the root, which is the provider itself.
    """
    told = ",".join(f'"{class_}":{{"capacity":%d,"used":%d}}' for class_ in classes)
    template = f'"%s":{{"resources":{{{told}{more}}}'
    traits, root = ends(version)
    if traits:
        template += ',"traits":%s'
    return template + (',"parent_provider_uuid":null,"root_provider_uuid":"%s"}' if root else "}")


def ends(version: Version) -> tuple[bool, bool]:
    """Whether a summary tells the traits, and where the provider stands."""
    return version >= (1, 17), version >= (1, 29)


def requests(version: Version, ids: Sequence[str], resources: Mapping[str, int]) -> msgspec.Raw:
    """One way for each provider to give all ``resources`` by itself."""
    template = request_template(version, resources)
    if version < (1, 34):
        return _raw("[" + ",".join([template % id for id in ids]) + "]")
    return _raw("[" + ",".join([template % (id, id) for id in ids]) + "]")


def summaries(version: Version, rows: Sequence[Any], classes: Sequence[str],
              others: Sequence[Any] = ()) -> msgspec.Raw:
    """What there is at each provider.

    ``rows`` are those of :func:`~stratolith.plugins.placement.candidate.find`: the id, a capacity and a use for each
    of ``classes``, the traits as JSON, and where it stands, which is alone. ``others`` are id, class, capacity and use
    of further classes.
    """
    more: defaultdict[str, str] = defaultdict(str)
    for id, *amounts in others:
        more[id] += "," + AMOUNTS % tuple(amounts)
    template, (traits, root) = summary_template(version, classes, "%s"), ends(version)
    if root:
        found = [template % (*row[:-3], more.get(row[0], ""), row[-3], row[0]) for row in rows]
    elif traits:
        found = [template % (*row[:-3], more.get(row[0], ""), row[-3]) for row in rows]
    else:
        found = [template % (*row[:-3], more.get(row[0], "")) for row in rows]
    return _raw("{" + ",".join(found) + "}")


def written(requests: str, summaries: str) -> dict[str, msgspec.Raw]:
    """The body, of texts without their brackets."""
    return {"allocation_requests": _raw(f"[{requests}]"), "provider_summaries": _raw(f"{{{summaries}}}")}


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
