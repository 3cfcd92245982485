"""Proxies of interfaces over the bus, made from the interfaces' own type hints.

Where a hint says iterables of bytes, the message has a stream's address instead of the bytes.

A message is typed and versioned: it names the interface's version, the method, and its
arguments in the form msgspec gives the types of the signature. Fields that a release adds
have defaults, so a release speaks with the one before it. A verb that the peer's release does
not have yet is said in older ones, where the interface has words for it.
"""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, cast

import msgspec

from .. import errors
from ..drivers.bus import Bus
from ..errors import BackendFailed, BadRequest, CloudError, UnknownVerb
from ..services.release import has_older_words
from ..turns import aside

log = logging.getLogger("stratolith.bus")
K = TypeVar("K")


class Call(msgspec.Struct):
    """A request: which method of which major version of the interface, with what."""

    method: str
    major: int
    arguments: dict[str, msgspec.Raw]


STREAMS = (Iterable[bytes], Iterator[bytes])
NOTHING = msgspec.Raw(b"\xc0")
"""msgpack's nil."""


class Answer(msgspec.Struct, omit_defaults=True):
    """A reply: a result or an error."""

    result: msgspec.Raw = NOTHING
    error: dict[str, Any] | None = None


encode = msgspec.msgpack.Encoder().encode
decode_call = msgspec.msgpack.Decoder(Call).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


class Exchange(Protocol):
    """Where streams are offered to other processes and theirs are read: the mesh."""

    def offer(self, chunks: Iterable[bytes]) -> str:
        """Make a stream known; return its address."""

    def drop(self, address: str) -> None:
        """Offer it no longer."""

    def follow(self, address: str) -> Iterator[bytes]:
        """The bytes of another process's stream."""


class Method:
    """One method of an interface with the types of its arguments and its result."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.older = function if has_older_words(function) else None
        self.signature = inspect.signature(function)
        hints = typing.get_type_hints(function)
        result = hints.pop("return", None)
        self.streams = [name for name, hint in hints.items() if hint in STREAMS]
        self.gives_stream = result in STREAMS
        self.result = str if self.gives_stream else result
        self.hints = {name: str if name in self.streams else hint for name, hint in hints.items()}


@functools.cache
def methods(kind: Any) -> dict[str, Method]:
    """The abstract methods of an interface: what may be called from outside."""
    return {name: Method(name, getattr(kind, name)) for name in sorted(kind.__abstractmethods__)}


class Stub:
    """Turns messages of a queue into calls on the object that serves it."""

    def __init__(self, kind: type[Any], target: object, exchange: Exchange | None = None) -> None:
        self._kind: Any = kind
        self._target = target
        self._exchange = exchange

    def handle(self, body: bytes) -> bytes:
        """Answer one request; an error of the target becomes part of the reply."""
        try:
            call = decode_call(body)
            method = methods(self._kind).get(call.method)
            if method is None or call.major != self._kind.api[0]:
                raise BadRequest(_no_verb(self._kind, call.method, call.major))
            arguments = {name: msgspec.msgpack.decode(raw, type=method.hints[name])
                         for name, raw in call.arguments.items() if name in method.hints}
            result = self._called(method, arguments)
            return encode(Answer(result=msgspec.Raw(encode(result))))
        except CloudError as error:
            return encode(Answer(error=_packed(error)))
        except msgspec.MsgspecError as exc:
            return encode(Answer(error=_packed(BadRequest(f"a message cannot be read: {exc}"))))
        except Exception:
            log.exception("a call to %s crashed", self._kind.__name__)
            return encode(Answer(error=_packed(BackendFailed())))


    def _called(self, method: Method, arguments: dict[str, Any]) -> Any:
        if self._exchange is not None:
            arguments.update({name: self._exchange.follow(arguments[name]) for name in method.streams})
        result = getattr(self._target, method.name)(**arguments)
        return self._exchange.offer(result) if method.gives_stream and self._exchange is not None else result


def _no_verb(kind: Any, method: str, major: int) -> str:
    """How a stub of any release says that it does not know a verb. It never changes: proxies go by it."""
    return f"{kind.__name__} has no {method} in version {major}"


def make_proxy(kind: type[K], bus: Bus, queue: str, timeout_s: float, exchange: Exchange | None = None) -> K:
    """An object of interface ``kind`` whose methods are calls to ``queue``; ``exchange`` carries streams."""
    interface: Any = kind
    members: dict[str, Any] = {}
    for name, method in methods(interface).items():
        call = _remote(method, kind, bus, queue, timeout_s)
        with_streams = exchange is not None and (method.streams or method.gives_stream)
        members[name] = _streaming(method, call, cast(Exchange, exchange)) if with_streams else call
    return cast(K, type(f"{kind.__name__}Proxy", (kind,), members)())


def _remote(method: Method, kind: Any, bus: Bus, queue: str, timeout_s: float) -> Callable[..., Any]:
    def call(self: object, *args: Any, **kwargs: Any) -> Any:
        bound = method.signature.bind(self, *args, **kwargs).arguments
        arguments = {name: msgspec.Raw(encode(value)) for name, value in bound.items() if name != "self"}
        message = encode(Call(method.name, kind.api[0], arguments))
        with aside():
            answer = decode_answer(bus.call(queue, message, timeout_s))
        if answer.error is not None:
            error = _unpacked(answer.error)
            if not (isinstance(error, BadRequest) and error.message == _no_verb(kind, method.name, kind.api[0])):
                raise error
            if method.older is None:
                raise UnknownVerb(f"{queue} is of a release that has no {method.name} yet", retry_after_s=30)
            log.info("%s is of a release that has no %s yet: it is asked in older words", queue, method.name)
            return method.older(self, *args, **kwargs)
        if method.result in (None, type(None)):
            return None
        return msgspec.msgpack.decode(answer.result, type=method.result)
    return call


def _streaming(method: Method, call: Callable[..., Any], exchange: Exchange) -> Callable[..., Any]:
    def with_addresses(self: object, *args: Any, **kwargs: Any) -> Any:
        bound = method.signature.bind(self, *args, **kwargs).arguments
        offered = {name: exchange.offer(bound[name]) for name in method.streams}
        try:
            result = call(**{**bound, **offered})
        finally:
            for address in offered.values():
                exchange.drop(address)
        return exchange.follow(result) if method.gives_stream else result
    return with_addresses


BY_NAME = {name: found for name, found in vars(errors).items()
           if inspect.isclass(found) and issubclass(found, CloudError)}


def _packed(error: CloudError) -> dict[str, Any]:
    facts = {name: value for name, value in error.facts.items()
             if isinstance(value, str | int | float | bool | list | dict | None)}
    name = next(base.__name__ for base in type(error).__mro__ if base.__name__ in BY_NAME)
    return {"name": name, "message": error.message, "facts": facts}


def _unpacked(packed: dict[str, Any]) -> CloudError:
    return BY_NAME.get(packed["name"], BackendFailed)(packed["message"], **packed["facts"])
