"""Seeded lives of a whole cloud: what must hold holds, a seed is the same life again, and what is broken is found."""

import pytest
from stratolith.core.cli.main import main
from stratolith.core.conformance.simulation import Broken, Life, Plan, prepare

HOURS = 0.1


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The cloud that all lives begin with, and what is in it."""
    folder = tmp_path_factory.mktemp("begun") / "cloud"
    return folder, prepare(folder, 3)


@pytest.fixture
def life(begun, tmp_path):
    """Begins a life by its seed."""
    def begin(seed, name="life"):
        return Life(Plan(seed, 3, HOURS), begun[0], tmp_path / f"{name}-{seed}", begun[1])
    return begin


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_must_hold_holds(life, seed):
    assert life(seed).run().total() > 0


def test_the_same_seed_is_the_same_life(life):
    first, again = life(21), life(21, "again")
    first.run()
    again.run()
    assert first.history == again.history


def test_a_claim_that_nobody_needs_is_found(life):
    one = life(31)
    placement = one.cloud.cloud.services["placement"]
    provider = one.agents[0]._provider()
    placement.claim(one.cloud.cloud.kits["compute"].context(), "11111111-2222-4333-8444-555555555555",
                    {provider: {"VCPU": 1}}, "p", "u", "INSTANCE")
    with pytest.raises(Broken, match="is claimed for 11111111"):
        one.run()


def test_a_guest_that_nobody_knows_is_found(life):
    one = life(32)
    one._calm_down()
    one.agents[0].driver.observe = lambda: [type("Seen", (), {"guest": "stranger", "power": None})()]
    with pytest.raises(Broken, match="the guest stranger is left"):
        one._check_rest()
    one._abandon()


def test_the_command_tells_of_each_life(capsys):
    with pytest.raises(SystemExit) as left:
        main(["simulate", "--seed", "5", "--seeds", "2", "--hosts", "2", "--hours", "0.02"])
    assert left.value.code == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 lives, 0 broken"


def test_the_command_refuses_nonsense(capsys):
    with pytest.raises(SystemExit) as left:
        main(["simulate", "--hosts", "0"])
    assert left.value.code == 1
    assert "above 0" in capsys.readouterr().err
