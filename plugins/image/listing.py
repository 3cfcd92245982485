"""Lists of images: filters, visibility, order and pages.

A statement depends only on the shape of the question, so each shape is built once and kept;
the values travel as parameters.
"""

from __future__ import annotations

import csv
import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.matching import order_match
from ...core.db.paging import Page, ordered, paged
from ...core.errors import BadRequest
from ...core.http.moment import comparison
from ...core.process.slice import Kit
from ...core.services.image import ImageQuestion
from .schemas import MEMBER_STATUSES, VISIBILITIES
from .tables import images, members, properties, tags

SORT_KEYS = ("name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at",
             "min_ram", "min_disk", "owner", "visibility")
EXACT = ("id", "name", "status", "owner", "disk_format", "container_format", "checksum", "os_hash_algo",
         "os_hash_value")
MANY = frozenset(("id", "name", "status", "disk_format", "container_format"))
NUMBERS = ("size", "virtual_size", "min_ram", "min_disk")
DEFAULT_SORT = (("created_at", "desc"), ("id", "desc"))

Term = tuple[str, str, str]
"""What is compared, how, and the name of the parameter."""
MOST_TERMS = 128
"""With some hundreds of them a database thinks for minutes about how to go about it."""


class Question(msgspec.Struct):
    """A list that is asked for: terms and their parameters, order, start and length."""

    terms: list[Term] = []
    values: dict[str, Any] = {}
    visibility: str = ""
    member_status: str = "accepted"
    hidden: bool = False
    sort: tuple[tuple[str, str], ...] = DEFAULT_SORT
    marker: str = ""
    limit: int = 25

    def add(self, name: str, how: str, value: Any) -> None:
        """Ask for images whose ``name`` compares ``how`` with ``value``."""
        if len(self.terms) >= MOST_TERMS:
            raise BadRequest(f"A list can be asked for {MOST_TERMS} things at most.")
        parameter = f"p{len(self.terms)}"
        self.terms.append((name, how, parameter))
        self.values[parameter] = value


def ask(filters: Mapping[str, Sequence[str]]) -> Question:
    """The filters of a query string as a question. :raises BadRequest: one of them makes no sense."""
    question = Question()
    for name, given in filters.items():
        value = given[-1]
        if name == "tag":
            for one in given:
                question.add("tag", "tag", one)
        elif name in EXACT:
            _exact(question, name, value)
        elif name in NUMBERS:
            question.add(name, "eq", _number(name, value))
        elif name in ("size_min", "size_max"):
            question.add("size", "gte" if name == "size_min" else "lte", _number(name, value))
        elif name in ("created_at", "updated_at"):
            for how, moment in _whole_seconds(*comparison(value, f"Invalid time of {name}: {value[:100]}")):
                question.add(name, how, moment)
        elif name == "protected":
            question.add(name, "eq", _boolean(name, value))
        elif name == "os_hidden":
            question.hidden = _boolean(name, value)
        elif name == "visibility":
            question.visibility = _among(name, value, (*VISIBILITIES, "all"))
        elif name == "member_status":
            question.member_status = _among(name, value, (*MEMBER_STATUSES, "all"))
        else:
            question.add(name, "property", value)
    return question


def _whole_seconds(how: str, moment: datetime.datetime) -> Sequence[tuple[str, datetime.datetime]]:
    """A comparison with a second as comparisons with moments within it."""
    after = moment + datetime.timedelta(seconds=1)
    if how == "eq":
        return ("gte", moment), ("lt", after)
    return (({"gt": "gte", "lte": "lt"}.get(how, how), after if how in ("gt", "lte") else moment),)


def of_peer(asked: ImageQuestion) -> Question:
    """Another service's question as one of ours."""
    question = Question(marker=asked.marker, limit=asked.limit)
    if asked.name:
        question.add("name", "eq", asked.name)
    if asked.statuses:
        question.add("status", "in", asked.statuses)
    if asked.min_disk is not None:
        question.add("min_disk", "eq", asked.min_disk)
    if asked.min_ram is not None:
        question.add("min_ram", "eq", asked.min_ram)
    if asked.changed_since is not None:
        question.add("updated_at", "gte", asked.changed_since)
    for name, value in asked.properties.items():
        question.add(name, "property", value)
    return question


def _exact(question: Question, name: str, value: str) -> None:
    if name in MANY and value.startswith("in:"):
        question.add(name, "in", _listed(name, value[3:]))
    else:
        question.add(name, "eq", value)


def _listed(name: str, text: str) -> list[str]:
    """Values joined by commas; quotation marks protect a comma."""
    try:
        found = next(csv.reader([text], strict=True, skipinitialspace=False), [])
    except csv.Error as exc:
        raise BadRequest(f"Invalid filter value of {name}: {text[:100]}") from exc
    if not all(found) or not found:
        raise BadRequest(f"Invalid filter value of {name}: {text[:100]}")
    return found


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise BadRequest(f"Invalid value '{value[:100]}' for the filter {name}: it must be a number of 0 or more")
    return int(value)


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise BadRequest(f"Invalid value '{value[:100]}' for {name}: must be true or false")
    return value.lower() == "true"


def _among(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise BadRequest(f"Invalid {name} value: {value[:100]}; it must be one of {', '.join(known)}")
    return value


def listed(kit: Kit, context: Context, question: Question) -> Sequence[Row]:
    """The page of images that was asked for."""
    admin = context.is_admin
    scope = "all" if admin and not question.visibility else question.visibility
    shape = (tuple(question.terms), scope, admin, question.member_status == "all", question.sort,
             not question.marker)
    values = {**question.values, "hidden": question.hidden, "project": context.project_id,
              "member_status": question.member_status}
    with kit.db.read() as tx:
        statement = _statement(*shape)
        if question.marker:
            page = Page(question.limit, question.marker, question.sort)
            return tx.rows(paged(statement, images, page, tx), values)
        return tx.rows(statement, {**values, "limit": question.limit})


@functools.lru_cache(512)
def _statement(terms: tuple[Term, ...], scope: str, admin: bool, any_status: bool,
               sort: tuple[tuple[str, str], ...], first: bool) -> sa.Select[Any]:
    statement = sa.select(images).where(images.c.os_hidden == sa.bindparam("hidden"))
    seen = _seen(scope, admin, any_status)
    if seen is not None:
        statement = statement.where(seen)
    for term in terms:
        statement = statement.where(_condition(*term))
    if not first:
        return statement
    return ordered(statement, images, sort).limit(sa.bindparam("limit"))


def _seen(scope: str, admin: bool, any_status: bool) -> sa.ColumnElement[bool] | None:
    """Which images the caller sees in a list of visibility ``scope``; empty: the default list."""
    own = images.c.owner == sa.bindparam("project")
    status = sa.true() if any_status else members.c.status == sa.bindparam("member_status")
    shared = sa.and_(images.c.visibility == "shared", images.c.id.in_(
        sa.select(members.c.image_id).where(members.c.member == sa.bindparam("project"), status)))
    if scope in ("public", "community"):
        return images.c.visibility == scope
    if scope == "private":
        return sa.and_(images.c.visibility == "private", sa.true() if admin else own)
    if scope == "shared":
        mine = sa.and_(images.c.visibility == "shared", own)
        return images.c.visibility == "shared" if admin else sa.or_(mine, shared)
    if scope == "all":
        return None if admin else sa.or_(own, images.c.visibility.in_(("public", "community")), shared)
    return sa.or_(own, images.c.visibility == "public", shared)


def _condition(name: str, how: str, parameter: str) -> sa.ColumnElement[bool]:
    value: sa.BindParameter[Any] = sa.bindparam(parameter)
    if how == "tag":
        return images.c.id.in_(sa.select(tags.c.image_id).where(tags.c.tag == value))
    if how == "property":
        return images.c.id.in_(sa.select(properties.c.image_id).where(properties.c.name == name,
                                                                      properties.c.value == value))
    column = images.c[name]
    if how == "in":
        return column.in_(sa.bindparam(parameter, expanding=True))
    return order_match(column, how, value)
