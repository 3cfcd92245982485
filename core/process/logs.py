"""Logs: one line a record, as text for people or as JSON for machines; never a secret."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import sys

import msgspec

from ..config import Configuration, option


@dataclasses.dataclass(frozen=True)
class LogOptions:
    """Options of ``[log]``."""

    level: str = option("INFO", "least level that is written: DEBUG, INFO, WARNING, ERROR")
    form: str = option("text", "text or json")


class Json(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        fields = {"time": moment.isoformat(), "level": record.levelname, "logger": record.name,
                  "message": record.getMessage(), "thread": record.threadName}
        request_id = getattr(record, "request_id", None)
        if request_id:
            fields["request_id"] = request_id
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(fields).decode()


def set_up(configuration: Configuration) -> None:
    """Send all records to standard error in the form that ``[log]`` asks for."""
    options = configuration.section("log", LogOptions)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if options.form == "json"
                         else logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options.level.upper())
    for noisy in ("alembic", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
