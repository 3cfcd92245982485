"""Many hosts of one process speak together, and one that cannot holds up none of the others."""

import logging
from types import SimpleNamespace

import pytest
from stratolith.core.errors import BackendBusy, BackendFailed
from stratolith.plugins.compute.crew import Crew


class Control:
    """Remembers which hosts came and which beat."""

    def __init__(self):
        self.came, self.beaten, self.away = [], [], False

    def enlist(self, context, enrolments):
        self._answer()
        self.came += enrolments
        return {name: [f"order of {name}"] for name in enrolments}

    def beats(self, context, metrics):
        self._answer()
        self.beaten += metrics
        return []

    def _answer(self):
        if self.away:
            raise BackendBusy("away")


class Host:
    """A host that says its name, unless it is broken."""

    def __init__(self, name, control):
        self.host, self.lost, self.broken, self.obeyed, self._control = name, True, None, [], control

    def serve(self):
        self.served = True

    def is_ready(self):
        return True

    def control(self):
        return self._control

    def enrolment(self):
        return self._say(self.host)

    def metrics(self):
        return self._say({})

    def obey(self, context, orders):
        self.obeyed += orders

    def _say(self, word):
        if self.broken is not None:
            raise self.broken
        return word


@pytest.fixture
def control():
    return Control()


@pytest.fixture
def hosts(control):
    return [Host(f"h{number}", control) for number in range(3)]


@pytest.fixture
def crew(hosts):
    return Crew(SimpleNamespace(log=logging.getLogger("crew"), context=lambda: None), hosts)


@pytest.mark.parametrize("error", [BackendFailed("broken"), BackendBusy("busy")])
def test_a_host_that_cannot_say_how_it_is_holds_up_no_other(crew, hosts, control, error):
    hosts[1].broken = error
    crew.begin()
    assert (control.came, control.beaten) == (["h0", "h2"], ["h0", "h2"])
    assert [one.lost for one in hosts] == [False, True, False]
    hosts[1].broken, hosts[2].broken = None, error
    crew.beat()
    assert (control.came[2:], control.beaten[2:]) == (["h1"], ["h0", "h1"])
    assert [one.lost for one in hosts] == [False, False, True]
    assert hosts[1].obeyed == ["order of h1"]


def test_nobody_who_can_speak_is_no_word(crew, hosts, control):
    for one in hosts:
        one.broken = BackendFailed("broken")
    crew.begin()
    assert (control.came, control.beaten) == ([], []) and all(one.lost for one in hosts)


def test_without_the_control_side_all_are_out_of_touch(crew, hosts, control):
    control.away = True
    crew.begin()
    assert all(one.lost for one in hosts)
    control.away = False
    crew.beat()
    assert not any(one.lost for one in hosts) and control.beaten == ["h0", "h1", "h2"]
