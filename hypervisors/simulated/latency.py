"""How long the verbs of a simulated host take: named profiles, drawn from the clock's chance.

The same seed of a virtual clock gives the same times, so that a whole cloud replays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from ...core.clock import Clock
from ...core.config import nearest
from ...core.errors import BadConfiguration

LONGEST = 20.0
"""No call takes more than this many medians."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """A logarithmic normal distribution: half of the calls take up to ``median_s``, two thirds are within the factor
    ``spread`` of it, and few take much longer."""

    median_s: float
    spread: float = 1.3


QUICK = ("pause", "unpause", "attach_volume", "detach_volume", "attach_interface", "detach_interface", "grow_volume",
         "confirm_resize")
SAVING = ("suspend", "resume")
BOOTING = ("start", "reboot", "resize", "revert_resize", "rescue", "unrescue", "stay")


def _profile(spawn: Spread, boot: Spread, stop: Spread, quick: Spread, copy: Spread) -> Mapping[str, Spread]:
    """The times of all verbs: of a new guest, of a boot, of its end, of a change while it runs, of moving its bytes."""
    return {"spawn": spawn, **dict.fromkeys(BOOTING, boot), "stop": stop, "destroy": stop,
            **dict.fromkeys(QUICK, quick), **dict.fromkeys(SAVING, stop),
            **dict.fromkeys(("depart", "prepare_live"), stop),
            **dict.fromkeys(("arrive", "snapshot", "swap_volume", "copy_live"), copy)}


PROFILES: Mapping[str, Mapping[str, Spread]] = {
    "instant": {},
    "brief": {"snapshot": Spread(2.0, 1.0)},
    "laptop": _profile(spawn=Spread(1.5), boot=Spread(0.8), stop=Spread(0.5), quick=Spread(0.1), copy=Spread(4.0)),
    "datacenter": _profile(spawn=Spread(6.0, 1.5), boot=Spread(2.5, 1.4), stop=Spread(3.0, 1.8), quick=Spread(0.4, 1.5),
                           copy=Spread(20.0, 1.8)),
    "slow": _profile(spawn=Spread(45.0, 1.8), boot=Spread(20.0, 1.8), stop=Spread(15.0, 2.0), quick=Spread(3.0, 2.0),
                     copy=Spread(180.0, 2.0)),
}
"""What verbs take by profile. Verbs that only look take no time.

``brief`` is for people and clients at a cloud with nothing behind it: nothing waits, but an image is being saved for as
long as somebody needs to see it, or to ask for another meanwhile and be refused.
"""


def drawn(clock: Clock, name: str) -> Callable[[str], float]:
    """What a call of a verb takes in the profile ``name``, anew each time. :raises BadConfiguration: there is none."""
    if name not in PROFILES:
        raise BadConfiguration(f"there is no latency profile {name!r}{nearest(name, list(PROFILES))}")
    profile = PROFILES[name]

    def seconds(verb: str) -> float:
        one = profile.get(verb)
        if one is None:
            return 0.0
        factor: float = one.spread ** clock.random().normalvariate(0.0, 1.0)
        return one.median_s * min(factor, LONGEST)
    return seconds


def chances(parts: Iterable[str]) -> Mapping[str, float]:
    """``spawn=0.01`` as numbers. :raises BadConfiguration: one is not written so, or is no part of a whole."""
    found: dict[str, float] = {}
    for part in parts:
        verb, _, text = part.partition("=")
        try:
            found[verb.strip()] = float(text)
        except ValueError as exc:
            raise BadConfiguration(f"failures are written verb=part, not {part!r}") from exc
        if not 0.0 <= found[verb.strip()] <= 1.0:
            raise BadConfiguration(f"a part is from 0 to 1, not {part!r}")
    return found
