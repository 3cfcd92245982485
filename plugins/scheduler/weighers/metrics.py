"""Prefer hosts by what they measure: processor use and whatever else their agents report."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import cast

from ....core.config import option
from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts
from ....core.errors import BadRequest


@dataclasses.dataclass(frozen=True)
class MetricsOptions:
    """Options of the weigher, and of the filter, of metrics."""

    multiplier: float = option(1.0, "how much this weigher counts")
    weight_setting: tuple[str, ...] = option((), "metrics and their ratios: cpu.percent=-1.0, ...")
    weight_of_unavailable: float = option(-10000.0, "weight of a host that does not report one of them")


def settings(options: MetricsOptions) -> dict[str, float]:
    """The ratio of each metric. :raises BadRequest: an item is no ``name=ratio``."""
    return ratios(options.weight_setting)


@functools.lru_cache(maxsize=32)
def ratios(items: tuple[str, ...]) -> dict[str, float]:
    """The number of each ``name=number``. :raises BadRequest: an item is of another form."""
    found = {}
    for item in items:
        name, _, ratio = item.partition("=")
        try:
            found[name.strip()] = float(ratio)
        except ValueError as exc:
            raise BadRequest(f"weight_setting: {item!r} is not of the form name=ratio") from exc
    return found


class Metrics(Weigher):
    """Prefers hosts whose metrics, each times its ratio, sum up to more."""

    Options = MetricsOptions
    aggregate_key = "metrics_weight_multiplier"

    def open(self) -> None:
        """Read the ratios, so that a mistake shows at the start."""
        settings(cast(MetricsOptions, self.options))

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts by the metrics they report, each with a ratio of its own.")

    def relevant(self, request: Request) -> bool:
        """Only when metrics are named."""
        return bool(cast(MetricsOptions, self.options).weight_setting)

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """The sums."""
        options = cast(MetricsOptions, self.options)
        ratios = settings(options)
        return [sum(host.metrics[name] * ratio for name, ratio in ratios.items())
                if all(name in host.metrics for name in ratios) else options.weight_of_unavailable for host in hosts]
