"""Until when a host may run guests, as its lease-watch tells its other processes: a file that ends with the boot."""

from __future__ import annotations

import json
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


class Posting:
    """The file of one host. Moments are those of ``clock.monotonic``, which begins anew with each boot."""

    def __init__(self, run_dir: Path, host: str) -> None:
        self._file = run_dir / f"lease-{host}.json"
        self._boot = BOOT.read_text().strip()

    def write(self, until: float) -> None:
        """Tell the others; the file is replaced at once. :raises OSError: they cannot be told."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"boot": self._boot, "until": until}))
        fresh.replace(self._file)

    def read(self) -> float | None:
        """What was told last since the machine booted, or none. :raises OSError: that cannot be read."""
        try:
            found = json.loads(self._file.read_text())
            return float(found["until"]) if found["boot"] == self._boot else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
