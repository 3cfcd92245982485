"""While a cloud is upgraded, a process may ask another of the release before: verbs that this one lacks are said in
older words, or it is told that it has to wait."""

import abc
import inspect
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from stratolith.core.bus.local import Local
from stratolith.core.bus.mesh import Mesh
from stratolith.core.bus.proxy import Stub, make_proxy, methods
from stratolith.core.clock import Virtual
from stratolith.core.context import service_context
from stratolith.core.drivers.base import NoOptions, Surroundings
from stratolith.core.drivers.hypervisor import HypervisorFacts
from stratolith.core.errors import BadRequest, UnknownVerb
from stratolith.core.services.placement import Inventory, Offer, PlacementService, Tenancy
from stratolith.core.services.release import has_older_words
from stratolith.plugins.compute.agency import ComputeAgent, Control, Enrolment, Guest, Order
from stratolith.plugins.compute.consoles.watch import Watch
from stratolith.plugins.compute.crew import Crew
from stratolith.plugins.network.control import Beat, NetworkAgent, NetworkControl

CONTEXT = service_context("req-older")
FACTS = HypervisorFacts("fake", 1, "n", 8, 2000, 10)
INTERFACES = (Control, ComputeAgent, PlacementService, NetworkControl, NetworkAgent)


def older(kind, *lacks):
    """An interface of the release before: of the same name, without the verbs that it lacks."""
    found = {name: getattr(kind, name) for name in kind.__abstractmethods__ if name not in lacks}
    return abc.ABCMeta(kind.__name__, (abc.ABC,), {"api": kind.api, **found})


class Told:
    """Answers any verb with what a test wants, and remembers what it was told."""

    def __init__(self, **answers):
        self.answers, self.told = answers, []

    def __getattr__(self, verb):
        def answer(**arguments):
            self.told.append((verb, arguments))
            return self.answers.get(verb)
        return answer


@pytest.fixture
def bus():
    made = Local(NoOptions(), Surroundings(Virtual(), logging.getLogger("t"), Path("x"), Path("y")))
    made.open()
    return made


class Host:
    """A host of a crew."""

    def __init__(self, name, control):
        self.host, self.lost, self.control, self.metrics = name, True, lambda: control, dict

    def serve(self):
        self.served = True

    def is_ready(self):
        return True

    def enrolment(self):
        return enrolments(self.host)[0]

    def obey(self, context, orders):
        assert orders == []


def peer(bus, kind, lacks, told):
    """A proxy for a peer that lacks some verbs."""
    bus.serve("peer", Stub(older(kind, *lacks), told).handle)
    return make_proxy(kind, bus, "peer", 1.0)


def enrolments(*names):
    return [Enrolment(host=name, provider=f"p-{name}", facts=FACTS, guests=[Guest("g", "running")]) for name in names]


def test_hosts_that_come_together_are_told_of_one_by_one(bus):
    told = Told(compare=[Order("g", "stop")])
    assert peer(bus, Control, {"enlist"}, told).enlist(CONTEXT, enrolments("a", "b")) == {
        "a": [Order("g", "stop")], "b": [Order("g", "stop")]}
    assert [(verb, one["host"]) for verb, one in told.told] == [
        ("register", "a"), ("compare", "a"), ("register", "b"), ("compare", "b")]
    assert told.told[1][1]["guests"] == [Guest("g", "running")]


def test_hosts_beat_one_by_one(bus):
    told = Told(beat=True)
    assert peer(bus, Control, {"beats"}, told).beats(CONTEXT, {"a": {"cpu.percent": 0.5}, "b": {}}) == ["a", "b"]
    assert [(one["host"], one["metrics"]) for _, one in told.told] == [("a", {"cpu.percent": 0.5}), ("b", {})]


def test_a_crew_lives_under_a_control_side_of_the_release_before(bus, caplog):
    told = Told(compare=[], beat=False)
    control = peer(bus, Control, {"enlist", "beats"}, told)
    hosts = [Host(name, control) for name in "ab"]
    crew = Crew(SimpleNamespace(log=logging.getLogger("crew"), context=lambda: CONTEXT), hosts)
    with caplog.at_level("INFO"):
        crew.begin()
    assert not any(one.lost for one in hosts)
    assert [verb for verb, _ in told.told] == ["register", "compare"] * 2 + ["beat"] * 2
    assert "has no beats yet" in caplog.text


def test_consoles_stay_open_as_they_did(bus):
    asked, left = [], []
    control = peer(bus, Control, {"open_consoles"}, Told())

    def ask(holders):
        asked.append(holders)
        return control.open_consoles(CONTEXT, holders)
    consoles = [SimpleNamespace(holder=holder, leave=lambda: left.append(1)) for holder in ("sealed", "")]
    Watch(Virtual(), lambda: consoles, ask).look()
    # Who opened it under the release before is not known, and nobody can be asked.
    assert asked == [["sealed"]] and left == []


def test_hosts_that_an_older_placement_is_told_of(bus):
    offers = [Offer(provider=name, name=name, inventories={"VCPU": Inventory(total=1)}, traits=["COMPUTE_NODE"],
                    aggregates=["x"] if name == "a" else []) for name in "ab"]
    told = Told()
    placement = peer(bus, PlacementService, {"apply_providers", "tenancy", "sole"}, told)
    placement.apply_providers(CONTEXT, offers)
    assert [(verb, one["provider"]) for verb, one in told.told] == [
        ("apply_provider", "a"), ("change_provider", "a"), ("apply_provider", "b")]
    assert told.told[1][1]["aggregates"] == {"x": True}
    assert (placement.tenancy(CONTEXT, "p", True), placement.sole(CONTEXT, "c")) == (Tenancy(), "")


def test_network_agents_beat_one_by_one(bus):
    told = Told()
    beats = [Beat(host=host, agent_type="t", vif_type="v", network_types=[], mtu=1, port_filter=True, started_at="now",
                  availability_zone="east") for host in "ab"]
    peer(bus, NetworkControl, {"beats"}, told).beats(CONTEXT, beats)
    assert [(verb, one["beat"]) for verb, one in told.told] == [("beat", one) for one in beats]


def test_what_need_not_be_done_is_left_out(bus):
    told = Told()
    agent = peer(bus, ComputeAgent, {"grow_volume", "cache_image"}, told)
    assert agent.grow_volume(CONTEXT, "g", "v", 2) is None
    assert told.told == []


def test_what_has_no_older_words_has_to_wait(bus):
    with pytest.raises(UnknownVerb, match="of a release that has no uptime_s yet") as caught:
        peer(bus, ComputeAgent, {"uptime_s"}, Told()).uptime_s(CONTEXT)
    assert caught.value.status == 503 and caught.value.retry


def test_a_peer_of_this_release_is_asked_in_its_own_words(bus):
    told = Told(beats=["a"])
    assert peer(bus, Control, (), told).beats(CONTEXT, {"a": {}}) == ["a"]
    assert [verb for verb, _ in told.told] == ["beats"]


def test_a_bad_request_of_the_verb_itself_is_no_unknown_verb(bus):
    class Refusing:
        def beats(self, context, metrics):
            raise BadRequest("Control has no such host")
    with pytest.raises(BadRequest, match="no such host"):
        peer(bus, Control, (), Refusing()).beats(CONTEXT, {"a": {}})


def test_a_release_before_leaves_out_arguments_that_it_does_not_know(bus):
    class Before(abc.ABC):
        api = Control.api

        @abc.abstractmethod
        def beat(self, context: dict, host: str) -> bool: ...
    Before.__name__ = "Control"

    class Old(Before):
        def beat(self, context, host):
            return True
    mesh = Mesh(bus)
    bus.serve("old", Stub(Before, Old()).handle)
    assert mesh.reach("old", Control).beat(CONTEXT, "a", {"cpu.percent": 0.5}) is True


@pytest.mark.parametrize("kind", INTERFACES)
def test_older_words_are_older_and_complete(kind):
    marked = {name for name, found in methods(kind).items() if found.older is not None}
    for name in marked:
        found = methods(kind)[name]
        assert not found.streams and not found.gives_stream
        names = inspect.unwrap(getattr(kind, name)).__code__.co_names
        assert not marked & set(names), f"{name} is said in words that the release before lacks, too"
        assert has_older_words(getattr(kind, name))
