"""Proxies of interfaces over the bus, made from the interfaces' own type hints.

A message is typed and versioned: it names the interface's version, the method, and its
arguments in the form msgspec gives the types of the signature. Fields that a release adds
have defaults, so a release speaks with the one before it.
"""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from .. import errors
from ..drivers.bus import Bus
from ..errors import BackendFailed, BadRequest, CloudError

log = logging.getLogger("stratolith.bus")
K = TypeVar("K")


class Call(msgspec.Struct):
    """A request: which method of which major version of the interface, with what."""

    method: str
    major: int
    arguments: dict[str, msgspec.Raw]


NOTHING = msgspec.Raw(b"\xc0")
"""msgpack's nil."""


class Answer(msgspec.Struct, omit_defaults=True):
    """A reply: a result or an error."""

    result: msgspec.Raw = NOTHING
    error: dict[str, Any] | None = None


encode = msgspec.msgpack.Encoder().encode
decode_call = msgspec.msgpack.Decoder(Call).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


class Method:
    """One method of an interface with the types of its arguments and its result."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.signature = inspect.signature(function)
        hints = typing.get_type_hints(function)
        self.result = hints.pop("return", None)
        self.hints = hints


@functools.cache
def methods(kind: Any) -> dict[str, Method]:
    """The abstract methods of an interface: what may be called from outside."""
    return {name: Method(name, getattr(kind, name)) for name in sorted(kind.__abstractmethods__)}


class Stub:
    """Turns messages of a queue into calls on the object that serves it."""

    def __init__(self, kind: type[Any], target: object) -> None:
        self._kind: Any = kind
        self._target = target

    def handle(self, body: bytes) -> bytes:
        """Answer one request; an error of the target becomes part of the reply."""
        try:
            call = decode_call(body)
            method = methods(self._kind).get(call.method)
            if method is None or call.major != self._kind.api[0]:
                raise BadRequest(f"{self._kind.__name__} has no {call.method} in version {call.major}")
            arguments = {name: msgspec.msgpack.decode(raw, type=method.hints[name])
                         for name, raw in call.arguments.items() if name in method.hints}
            result = getattr(self._target, call.method)(**arguments)
            return encode(Answer(result=msgspec.Raw(encode(result))))
        except CloudError as error:
            return encode(Answer(error=_packed(error)))
        except msgspec.MsgspecError as exc:
            return encode(Answer(error=_packed(BadRequest(f"a message cannot be read: {exc}"))))
        except Exception:
            log.exception("a call to %s crashed", self._kind.__name__)
            return encode(Answer(error=_packed(BackendFailed())))


def make_proxy(kind: type[K], bus: Bus, queue: str, timeout_s: float) -> K:
    """An object of interface ``kind`` whose methods are calls to ``queue``."""
    interface: Any = kind
    members: dict[str, Any] = {name: _remote(method, kind, bus, queue, timeout_s)
                               for name, method in methods(interface).items()}
    return cast(K, type(f"{kind.__name__}Proxy", (kind,), members)())


def _remote(method: Method, kind: Any, bus: Bus, queue: str, timeout_s: float) -> Callable[..., Any]:
    def call(self: object, *args: Any, **kwargs: Any) -> Any:
        bound = method.signature.bind(self, *args, **kwargs).arguments
        arguments = {name: msgspec.Raw(encode(value)) for name, value in bound.items() if name != "self"}
        answer = decode_answer(bus.call(queue, encode(Call(method.name, kind.api[0], arguments)), timeout_s))
        if answer.error is not None:
            raise _unpacked(answer.error)
        if method.result in (None, type(None)):
            return None
        return msgspec.msgpack.decode(answer.result, type=method.result)
    return call


BY_NAME = {name: found for name, found in vars(errors).items()
           if inspect.isclass(found) and issubclass(found, CloudError)}


def _packed(error: CloudError) -> dict[str, Any]:
    facts = {name: value for name, value in error.facts.items()
             if isinstance(value, str | int | float | bool | list | dict | None)}
    name = next(base.__name__ for base in type(error).__mro__ if base.__name__ in BY_NAME)
    return {"name": name, "message": error.message, "facts": facts}


def _unpacked(packed: dict[str, Any]) -> CloudError:
    return BY_NAME.get(packed["name"], BackendFailed)(packed["message"], **packed["facts"])
