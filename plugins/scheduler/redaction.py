"""What a tenant may read of an explanation: which steps left something, but no host, no number and no reason of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

NONE, SOME = "none left", "some left"


def _placement(found: re.Match[str]) -> str:
    return f"placement: there is {'no ' if found['count'] == '0' else ''}room for {found['amounts']}"


def _step(found: re.Match[str]) -> str:
    return f"{found['name']}: {NONE if found['left'] == '0' else SOME}"


PATTERNS: Mapping[re.Pattern[str], Callable[[re.Match[str]], str]] = {
    re.compile(r"placement: (?P<count>\d+) hosts have room for (?P<amounts>.*)"): _placement,
    re.compile(r"(?P<name>[\w ]+): (?P<left>\d+) of \d+ left"): _step,
    re.compile(r"nearest miss: (?P<name>\w+) alone turned away .*"):
        lambda found: f"nearest miss: only {found['name']} stands in the way",
    re.compile(r"(?P<whole>nearest miss: (only .* is not to be had|only hosts that the request leaves out would do|"
               r"more than one condition stands in the way|there is no host of this name))"):
        lambda found: found["whole"],
    re.compile(r"claim: .* was taken meanwhile: .*"): lambda found: "claim: a host was taken meanwhile",
    re.compile(r"chosen: .*"): lambda found: "a host was chosen",
}
"""Each line an explanation can hold that tenants may know of, and what becomes of it. Others are left out."""


def redacted(lines: Iterable[str]) -> list[str]:
    """``lines`` as a tenant may read them."""
    found = []
    for line in lines:
        for pattern, words in PATTERNS.items():
            match = pattern.fullmatch(line)
            if match is not None:
                found.append(words(match))
                break
    return found
