"""Interfaces over the bus: typed arguments and results, errors that keep their class, nothing else callable."""

import abc
import logging
from pathlib import Path

import pytest
from stratolith.core.bus.local import Local
from stratolith.core.bus.mesh import Mesh
from stratolith.core.bus.proxy import Stub, encode, make_proxy
from stratolith.core.clock import Virtual
from stratolith.core.context import Context
from stratolith.core.drivers.base import NoOptions, Surroundings
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import BackendBusy, BackendFailed, BadRequest, CloudError, NotFound, QuotaExceeded


class Greeter(abc.ABC):
    api = (1, 0)

    @abc.abstractmethod
    def greet(self, context: Context, name: str, times: int = 1) -> list[str]: ...

    @abc.abstractmethod
    def connect(self, connection: Connection) -> Connection: ...

    @abc.abstractmethod
    def fail(self, kind: str) -> None: ...


class Polite(Greeter):
    def greet(self, context, name, times=1):
        return [f"{context.user_id} greets {name}"] * times

    def connect(self, connection):
        assert isinstance(connection, Connection)
        return connection

    def fail(self, kind):
        if kind == "quota":
            raise QuotaExceeded("too many", limit=3)
        if kind == "own":
            raise Special("special", thing=object())
        raise ValueError("secret detail")

    def private(self):
        raise AssertionError("must not be reached")


class Special(NotFound):
    pass


@pytest.fixture
def bus():
    made = Local(NoOptions(), Surroundings(Virtual(), logging.getLogger("t"), Path("x"), Path("y")))
    made.open()
    return made


@pytest.fixture
def proxy(bus):
    bus.serve("greeter", Stub(Greeter, Polite()).handle)
    return make_proxy(Greeter, bus, "greeter", 1.0)


def test_a_call_keeps_its_types(proxy):
    context = Context(request_id="r", user_id="u", roles=("member",))
    assert proxy.greet(context, "you", times=2) == ["u greets you"] * 2
    connection = Connection("nbd", {"host": "h"}, read_only=True)
    assert proxy.connect(connection) == connection


def test_errors_keep_their_class_and_facts(proxy):
    with pytest.raises(QuotaExceeded, match="too many") as caught:
        proxy.fail("quota")
    assert caught.value.facts == {"limit": 3}
    with pytest.raises(NotFound, match="special"):
        proxy.fail("own")


def test_a_crash_tells_nothing(proxy):
    logging.getLogger("stratolith.bus").disabled = True
    with pytest.raises(BackendFailed) as caught:
        proxy.fail("other")
    logging.getLogger("stratolith.bus").disabled = False
    assert "secret" not in str(caught.value)


def test_only_the_interface_can_be_called(bus, proxy):
    stub = Stub(Greeter, Polite())
    for method, major in (("private", 1), ("__init__", 1), ("greet", 2)):
        answer = stub.handle(encode({"method": method, "major": major, "arguments": {}}))
        assert b"BadRequest" in answer
    assert b"BadRequest" in stub.handle(b"\xc1 nonsense")


def test_nobody_there(bus):
    with pytest.raises(BackendBusy):
        make_proxy(Greeter, bus, "nowhere", 1.0).fail("x")


def test_the_mesh_gives_the_object_itself_when_it_is_here(bus):
    mesh, polite = Mesh(bus), Polite()
    mesh.serve("greeter", Greeter, polite)
    assert mesh.reach("greeter", Greeter) is polite
    mesh.withdraw("greeter")
    assert mesh.reach("greeter", Greeter) is not polite


def test_every_error_class_has_a_code_of_its_own():
    def below(kind):
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))
    from stratolith.core import errors
    ours = [kind for kind in below(CloudError) if kind.__module__ == errors.__name__]
    codes = [kind.code for kind in ours]
    assert len(codes) == len(set(codes))
    assert BadRequest.status == 400
