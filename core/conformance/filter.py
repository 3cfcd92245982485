"""The suite of scheduler filters: subclass :class:`FilterSuite` and give it a fixture ``driver``."""

from __future__ import annotations

import msgspec

from ..drivers.filter import Filter, FilterFacts, Request
from .cases import in_parallel
from .hosts import each_request, hosts, request, requests

REQUESTS = requests()


class FilterSuite:
    """What every filter keeps to, whatever it looks at."""

    def test_facts_are_told_and_stay(self, driver: Filter) -> None:
        """A filter says in a sentence what it keeps."""
        facts = driver.facts()
        assert isinstance(facts, FilterFacts) and facts.sentence.endswith(".")
        assert driver.facts() == facts

    def test_open_twice(self, driver: Filter) -> None:
        """Being opened again changes nothing."""
        driver.open()
        assert driver.survivors([], request()) == []

    @each_request
    def test_no_hosts(self, driver: Filter, wanted: Request) -> None:
        """Of none, none survives."""
        assert driver.survivors([], wanted) == []

    @each_request
    def test_survivors_are_hosts_in_order(self, driver: Filter, wanted: Request) -> None:
        """The survivors are the very objects given, in the order given."""
        given = hosts()
        kept = [id(host) for host in driver.survivors(given, wanted)]
        assert kept == [id(host) for host in given if id(host) in set(kept)]

    @each_request
    def test_nothing_is_changed(self, driver: Filter, wanted: Request) -> None:
        """Neither the hosts nor the list nor the request is changed."""
        given, before = hosts(), msgspec.json.encode((hosts(), wanted))
        driver.survivors(given, wanted)
        assert msgspec.json.encode((given, wanted)) == before

    @each_request
    def test_twice_is_the_same(self, driver: Filter, wanted: Request) -> None:
        """Nothing is remembered between calls."""
        given = hosts()
        assert driver.survivors(given, wanted) == driver.survivors(given, wanted)

    @each_request
    def test_each_host_by_itself(self, driver: Filter, wanted: Request) -> None:
        """Whether a host survives does not depend on the others."""
        given = hosts()
        alone = [host for host in given if driver.survivors([host], wanted)]
        assert alone == driver.survivors(given, wanted)

    @each_request
    def test_reasons(self, driver: Filter, wanted: Request) -> None:
        """Who does not survive is told why, in words without a host's name; who does, is not."""
        given = hosts()
        kept = {id(host) for host in driver.survivors(given, wanted)}
        for host in given:
            reason = driver.reason(host, wanted)
            assert bool(reason) == (id(host) not in kept)
            assert host.host not in reason.split() and host.provider not in reason

    def test_from_many_threads(self, driver: Filter) -> None:
        """Calls at once do not disturb one another."""
        given = hosts()
        expected = [driver.survivors(given, wanted) for wanted in REQUESTS]
        assert in_parallel(lambda wanted: driver.survivors(given, wanted), REQUESTS) == expected

    def test_a_list_of_ten_thousand(self, driver: Filter) -> None:
        """Long lists work as short ones do."""
        given = hosts()
        many = given * (10000 // len(given))
        assert len(driver.survivors(many, request())) == len(driver.survivors(given, request())) * (10000 // len(given))
