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


def requests(version: Version, ids: Sequence[str], resources: Mapping[str, int]) -> msgspec.Raw:
    """One way for each provider to give all ``resources`` by itself."""
    wanted = msgspec.json.encode(resources).decode()
    if version < (1, 12):
        template = f'{{"allocations":[{{"resource_provider":{{"uuid":"%s"}},"resources":{wanted}}}]}}'
    elif version < (1, 34):
        template = f'{{"allocations":{{"%s":{{"resources":{wanted}}}}}}}'
    else:
        head = f'{{"allocations":{{"%s":{{"resources":{wanted}}}}},"mappings":{{"":["'
        return _raw("[" + ",".join([f'{head % id}{id}"]}}}}' for id in ids]) + "]")
    return _raw("[" + ",".join([template % id for id in ids]) + "]")


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
    told = ",".join(f'"{class_}":{{"capacity":%d,"used":%d}}' for class_ in classes)
    template = f'"%s":{{"resources":{{{told}%s}}'
    if version < (1, 17):
        found = [template % (*row[:-3], more.get(row[0], "")) + "}" for row in rows]
    elif version < (1, 29):
        template += ',"traits":%s}'
        found = [template % (*row[:-3], more.get(row[0], ""), row[-3]) for row in rows]
    else:
        template += ',"traits":%s,"parent_provider_uuid":null,"root_provider_uuid":"%s"}'
        found = [template % (*row[:-3], more.get(row[0], ""), row[-3], row[0]) for row in rows]
    return _raw("{" + ",".join(found) + "}")


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
