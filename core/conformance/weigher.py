"""The suite of scheduler weighers: subclass :class:`WeigherSuite` and give it a fixture ``driver``."""

from __future__ import annotations

import math

import msgspec

from ..drivers.filter import Request
from ..drivers.weigher import Weigher, WeigherFacts
from .cases import in_parallel
from .hosts import each_request, hosts, request, requests

REQUESTS = requests()


class WeigherSuite:
    """What every weigher keeps to, whatever it prefers."""

    def test_facts_are_told_and_stay(self, driver: Weigher) -> None:
        """A weigher says in a sentence what it prefers."""
        facts = driver.facts()
        assert isinstance(facts, WeigherFacts) and facts.sentence.endswith(".")
        assert driver.facts() == facts

    def test_multiplier(self, driver: Weigher) -> None:
        """The multiplier is a finite number."""
        assert math.isfinite(driver.multiplier)

    @each_request
    def test_no_hosts(self, driver: Weigher, wanted: Request) -> None:
        """No host, no weight."""
        assert list(driver.weights([], wanted)) == []

    @each_request
    def test_one_finite_weight_a_host(self, driver: Weigher, wanted: Request) -> None:
        """As many finite numbers as hosts, whether or not the request is relevant."""
        given = hosts()
        weights = driver.weights(given, wanted)
        assert len(weights) == len(given) and all(math.isfinite(weight) for weight in weights)

    @each_request
    def test_nothing_is_changed(self, driver: Weigher, wanted: Request) -> None:
        """Neither hosts nor request is changed, and nothing is remembered."""
        given, before = hosts(), msgspec.json.encode((hosts(), wanted))
        first = list(driver.weights(given, wanted))
        assert msgspec.json.encode((given, wanted)) == before
        assert list(driver.weights(given, wanted)) == first

    def test_order_of_hosts_is_kept(self, driver: Weigher) -> None:
        """Weights stand in the order of the hosts."""
        given = hosts()
        backwards = list(driver.weights(given[::-1], request()))
        best, forwards = max(backwards), list(driver.weights(given, request()))
        assert backwards.index(best) == len(given) - 1 - max(n for n, one in enumerate(forwards) if one == best)

    def test_irrelevant_means_no_difference(self, driver: Weigher) -> None:
        """Where the request is said not to matter, all hosts weigh the same."""
        for wanted in REQUESTS:
            if not driver.relevant(wanted) and wanted.group is None:
                assert len(set(driver.weights(hosts(), wanted))) == 1

    def test_from_many_threads(self, driver: Weigher) -> None:
        """Calls at once do not disturb one another."""
        given = hosts()
        expected = [list(driver.weights(given, wanted)) for wanted in REQUESTS]
        assert in_parallel(lambda wanted: list(driver.weights(given, wanted)), REQUESTS) == expected
