"""What all nouns of the Networking API share: keeping, showing, listing, policy and quota.

A noun's document is a plain mapping of API attributes. Rows are changed by compare-and-set on
``revision_number``, so that no change is lost between processes.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest, ConcurrentUpdate, NotFound
from . import faults, listing, tables
from .listing import Listing

if TYPE_CHECKING:
    from ...core.process.slice import Kit

Document = dict[str, Any]
Shown = Any
"""A document as it goes out: a mapping, or its JSON text ready made."""
T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
decode: Callable[[str], Document] = msgspec.json.Decoder(dict[str, Any]).decode
ATTEMPTS = 5
NO_ATTRIBUTES: Mapping[str, Any] = {}


def retried(work: Callable[[], T]) -> T:
    """``work()``, again when another transaction took a key or a row first.

    Refusals that we word ourselves carry a type and are not tried again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except (AlreadyExists, ConcurrentUpdate) as error:
            if "type" in error.facts:
                raise
    return work()


def plain(shown: Shown) -> Document:
    """A document as a mapping, however it was made ready to go out."""
    found: Document = msgspec.json.decode(msgspec.json.encode(shown), type=dict[str, Any])
    return found


def truth(value: Any) -> bool:
    """A boolean as clients write it."""
    return value.lower() in listing.TRUE if isinstance(value, str) else bool(value)


class Limits(Protocol):
    """What knows how many of each kind a project may have."""

    def take(self, tx: Transaction, project_id: str, resource: str, count: sa.Select[Any], more: int = 1) -> None:
        """See that the project may have ``more``. :raises QuotaExceeded: it may not."""


class Ground(Protocol):
    """What every noun stands on."""

    kit: Kit
    quotas: Limits


class Noun(abc.ABC):
    """One kind of resource over the service. Subclasses say how one is made, changed and unmade."""

    name: ClassVar[str]
    plural: ClassVar[str]
    table: ClassVar[sa.Table]
    hidden: ClassVar[tuple[str, ...]] = ()
    """Attributes that only callers see whom the rule ``get_<noun>:<attribute>`` allows."""
    internal: ClassVar[frozenset[str]] = frozenset()
    """Columns that are no attributes."""
    guarded: ClassVar[Mapping[str, Any]] = NO_ATTRIBUTES
    """Attributes with a rule of their own at creation, and the default that needs no rule."""
    guarded_updates: ClassVar[tuple[str, ...]] = ()
    """Attributes with a rule of their own at updates."""
    target_columns: ClassVar[tuple[str, ...]] = ()
    flags: ClassVar[tuple[str, ...]] = ("admin_state_up",)
    """Attributes that are booleans however clients write them."""
    counted: ClassVar[bool] = True
    tagged: ClassVar[bool] = True

    def __init__(self, service: Ground) -> None:
        self.service = service
        self.kit: Kit = service.kit
        columns = self.table.c
        skipped = {"document", "hidden", *self.internal}
        self._pairs = [(column.name, _attribute(column.name)) for column in columns if column.name not in skipped]
        self._one = sa.select(columns.document, columns.hidden).where(columns.id == sa.bindparam("id"))
        self._locked = self._one.with_for_update()
        self._shown = sa.select(columns.document, columns.hidden, columns.project_id,
                                *(columns[name] for name in self.target_columns)).where(
                                    columns.id == sa.bindparam("id"))
        self._listed = sa.select(columns.document, columns.hidden)
        self._some = self.choice(columns.id.in_(sa.bindparam("ids", expanding=True)))
        self.counting = sa.select(sa.func.count()).select_from(self.table).where(
            columns.project_id == sa.bindparam("project_id"))
        self._save = self.table.update().where(columns.id == sa.bindparam("this_id"),
                                               columns.revision_number == sa.bindparam("this_revision"))
        self._delete = self.table.delete().where(columns.id == sa.bindparam("this_id"))
        self._hidden_rules = [f"get_{self.name}:{name}" for name in self.hidden]
        self._scope: dict[str, sa.Select[Any]] = {}

    # What a subclass says.

    @abc.abstractmethod
    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """Make one of ``body``'s attributes and return its document."""

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Apply ``changes`` to ``old`` and return the new document."""
        return self.save(tx, old, {**old, **changes})

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete one. :raises InUse: something uses it."""
        self.remove(tx, old["id"])

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """The rows a plain user may list."""
        return self.table.c.project_id == sa.bindparam("scope")

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """What policy rules look at, of a row with ``project_id`` and the target columns."""
        project = row["project_id"] if isinstance(row, dict) else row.project_id
        return {"project_id": project, "tenant_id": project}

    def filter(self, name: str, values: Sequence[str]) -> sa.ColumnElement[bool] | None:
        """The condition of a filter that is no plain column, or none when there is no such filter."""
        return None

    # Rows and documents.

    def stamp(self) -> str:
        """The present moment as documents write it."""
        return self.kit.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def begin(self, body: Document, project_id: str) -> Document:
        """A new document with the attributes all nouns have."""
        now = self.stamp()
        return {"id": self.kit.clock.uuid(), "name": body.get("name") or "", "tenant_id": project_id,
                "project_id": project_id, "description": body.get("description") or "", "tags": [],
                "created_at": now, "updated_at": now, "revision_number": 0}

    def _values(self, document: Document) -> dict[str, Any]:
        values = {column: document.get(attribute) for column, attribute in self._pairs}
        if self.hidden:
            secret = {name: document[name] for name in self.hidden if name in document}
            values["hidden"] = _encode(secret).decode()
            document = {name: value for name, value in document.items() if name not in secret}
        else:
            values["hidden"] = ""
        values["document"] = _encode(document).decode()
        return values

    def insert(self, tx: Transaction, document: Document, **internal: Any) -> Document:
        """Write a new row. :raises AlreadyExists: a key is taken."""
        tx.insert(self.table, {**self._values(document), **internal})
        return document

    def save(self, tx: Transaction, old: Document, new: Document, **internal: Any) -> Document:
        """Write a changed row; nothing when nothing changed.

        :raises ConcurrentUpdate: somebody else changed it since ``old`` was read.
        """
        if new == old and not internal:
            return old
        new["revision_number"] = old["revision_number"] + 1
        new["updated_at"] = self.stamp()
        values = self._values(new)
        del values["id"]
        values.update(internal, this_id=old["id"], this_revision=old["revision_number"])
        if not tx.execute(self._save, values):
            raise ConcurrentUpdate()
        return new

    def remove(self, tx: Transaction, id: str) -> None:
        """Delete the row and its tags."""
        if self.tagged:
            tx.execute(tables.tags.delete().where(tables.tags.c.resource_id == sa.bindparam("this")), {"this": id})
        tx.execute(self._delete, {"this_id": id})

    def load(self, tx: Transaction, id: str, lock: bool = False) -> Document:
        """A document by id, its row locked when it is going to change. :raises NotFound: there is none."""
        row = tx.row(self._locked if lock else self._one, {"id": id})
        if row is None:
            raise faults.missing(self.name, id)
        return self.full(row)

    def full(self, row: Row) -> Document:
        """A row's whole document."""
        document = decode(row.document)
        if row.hidden:
            document.update(decode(row.hidden))
        return document

    def choice(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """What :meth:`chosen` takes: to be made once, as making it takes longer than SQLite does to answer it."""
        return self._listed.where(*conditions)

    def chosen(self, tx: Transaction, choice: sa.Select[Any], parameters: Mapping[str, Any]) -> list[Document]:
        """All whole documents of a choice."""
        return [self.full(row) for row in tx.rows(choice, parameters)]

    def some(self, tx: Transaction, ids: Iterable[str]) -> list[Document]:
        """The whole documents of these ids that are there."""
        return self.chosen(tx, self._some, {"ids": list(ids)})

    def select(self, tx: Transaction, *conditions: sa.ColumnElement[bool],
               parameters: Mapping[str, Any] | None = None) -> list[Document]:
        """All whole documents that meet the conditions."""
        return [self.full(row) for row in tx.rows(self._listed.where(*conditions), parameters)]

    # Policy.

    def is_admin(self, context: Context) -> bool:
        """Whether the caller sees all projects."""
        return self.kit.policy.allows(context, "context_is_admin", {})

    def find(self, tx: Transaction, context: Context, id: str, lock: bool = False) -> Document:
        """A document the caller may see. :raises NotFound: there is none."""
        document = self.load(tx, id, lock)
        if not self.kit.policy.allows(context, f"get_{self.name}", self.target(tx, document)):
            raise faults.missing(self.name, id)
        return document

    def enforce(self, context: Context, rule: str, target: Mapping[str, Any]) -> None:
        """See that the caller may. :raises Forbidden: it may not."""
        if not self.kit.policy.allows(context, rule, target):
            raise faults.disallowed(rule)

    def sees_hidden(self, context: Context) -> bool | frozenset[str]:
        """Whether the caller sees all hidden attributes (true), none (false), or which."""
        allows, target = self.kit.policy.allows, {"project_id": context.project_id}
        seen = [allows(context, rule, target) for rule in self._hidden_rules]
        if all(seen):
            return True
        return frozenset(name for name, yes in zip(self.hidden, seen, strict=True) if yes) or False

    def shown(self, context: Context, document: Document) -> Document:
        """The document as the caller may see it."""
        if not self.hidden:
            return document
        seen = self.sees_hidden(context)
        if seen is True:
            return document
        names = seen or frozenset()
        return {name: value for name, value in document.items() if name not in self.hidden or name in names}

    def _render(self, rows: Sequence[Any], seen: bool | frozenset[str], fields: Sequence[str]) -> list[Shown]:
        if fields:
            wanted = set(fields)
            return [{name: value for name, value in self._partly(row, seen).items() if name in wanted}
                    for row in rows]
        if seen is True and self.hidden:
            return [msgspec.Raw(f"{row[0][:-1]},{row[1][1:]}".encode()) for row in rows]
        if seen:
            return [self._partly(row, seen) for row in rows]
        return [msgspec.Raw(row[0].encode()) for row in rows]

    def _partly(self, row: Any, seen: bool | frozenset[str]) -> Document:
        document = decode(row[0])
        if seen and row[1]:
            secret = decode(row[1])
            document.update(secret if seen is True else {name: secret[name] for name in seen if name in secret})
        return document

    # The five operations.

    def show(self, context: Context, id: str, fields: Sequence[str] = ()) -> Shown:
        """One, as the caller may see it. :raises NotFound: it may not, or there is none."""
        with self.kit.db.read() as tx:
            row = tx.row(self._shown, {"id": id})
            if row is None or not self.kit.policy.allows(context, f"get_{self.name}", self.target(tx, row)):
                raise faults.missing(self.name, id)
            return self.dressed(tx, self._render([row], bool(self.hidden) and self.sees_hidden(context), fields),
                                fields)[0]

    def index(self, context: Context, asked: Listing) -> tuple[list[Shown], list[dict[str, str]]]:
        """Those the caller may see and asks for, and links to the next and previous pages.

        :raises BadRequest: a filter or sort key is unknown, or the marker is.
        """
        with self.kit.db.read() as tx:
            rows = tx.rows(self.question(tx, context, asked), {"scope": context.project_id})
            if asked.page.reverse:
                rows = rows[::-1]
            seen = bool(self.hidden) and self.sees_hidden(context)
            items = self.dressed(tx, self._render(rows, seen, asked.fields), asked.fields)
        links = self._links(rows, asked) if asked.page.limit else []
        return items, links

    def dressed(self, tx: Transaction, items: list[Shown], fields: Sequence[str]) -> list[Shown]:
        """Add what documents do not hold; by default nothing."""
        return items

    def question(self, tx: Transaction, context: Context, asked: Listing) -> sa.Select[Any]:
        """The select of a list."""
        statement = self._listed if self.is_admin(context) else self._listed.where(self.visible(context))
        for name, values in asked.filters.items():
            statement = statement.where(self._condition(name, values))
        page = asked.page
        if page.sort:
            page = Page(page.limit, page.marker, [(self._sort(name), way) for name, way in page.sort], page.reverse)
        return paged(statement, self.table, page, tx)

    def _sort(self, name: str) -> str:
        column = listing.column_of(self.table, name)
        if column is None or column.name in self.internal:
            raise BadRequest(f"[{name!r}] is invalid attribute for sort_keys")
        return column.name

    def _condition(self, name: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
        if self.tagged and name in listing.TAG_FILTERS:
            return listing.tag_condition(self.table, name, values)
        if name == "changed_since":
            return self.table.c.updated_at >= values[-1]
        found = self.filter(name, values)
        if found is not None:
            return found
        column = listing.column_of(self.table, name)
        if column is None or column.name in self.internal:
            raise BadRequest(f"[{name!r}] is invalid attribute for filtering")
        return listing.condition(column, values, name)

    def _links(self, rows: Sequence[Any], asked: Listing) -> list[dict[str, str]]:
        page, links = asked.page, []
        ends = [decode(row[0])["id"] for row in (rows[0], rows[-1])] if rows else ["", ""]
        full = len(rows) >= (page.limit or 0)
        if full or page.reverse:
            links.append({"rel": "next", "href": self._link(asked, ends[-1], False)})
        if full or not page.reverse:
            links.append({"rel": "previous", "href": self._link(asked, ends[0], True)})
        return links

    def _link(self, asked: Listing, marker: str, reverse: bool) -> str:
        pairs = [(name, value) for name, values in asked.filters.items() for value in values]
        pairs += [("fields", name) for name in asked.fields]
        for name, way in asked.page.sort:
            pairs += [("sort_key", name), ("sort_dir", way)]
        pairs.append(("limit", str(asked.page.limit)))
        if marker:
            pairs.append(("marker", marker))
        if reverse:
            pairs.append(("page_reverse", "True"))
        return f"{asked.base}?{urlencode(pairs)}"

    def create(self, context: Context, bodies: Sequence[Document]) -> list[Document]:
        """Make one of each body, all or none.

        :raises QuotaExceeded: the project has as many as it may.
        """
        def work() -> list[Document]:
            with self.kit.db.write() as tx:
                return [self.create_one(tx, context, dict(body)) for body in bodies]
        return [self.shown(context, document) for document in retried(work)]

    def create_one(self, tx: Transaction, context: Context, body: Document) -> Document:
        """Make one within ``tx``, with policy, quota and event."""
        project_id = body.pop("project_id", None) or body.pop("tenant_id", None) or context.project_id
        body.pop("tenant_id", None)
        if not project_id:
            raise BadRequest("Running without keystone AuthN requires that tenant_id is specified",
                             type="HTTPBadRequest")
        if project_id != context.project_id and not self.is_admin(context):
            raise BadRequest("Specifying 'project_id' or 'tenant_id' other than the authenticated project in request "
                             "requires admin or advsvc privileges", type="HTTPBadRequest")
        for name in self.flags:
            if name in body:
                body[name] = truth(body[name])
        target = self.creation_target(tx, body, project_id)
        self.enforce(context, f"create_{self.name}", target)
        for name, default in self.guarded.items():
            if name in body and body[name] != default:
                self.enforce(context, f"create_{self.name}:{name}", target)
        if self.counted:
            self.service.quotas.take(tx, project_id, self.name, self.counting)
        document = self.make(tx, context, body, project_id)
        self.tell(tx, context, "create", document)
        return document

    def creation_target(self, tx: Transaction, body: Document, project_id: str) -> dict[str, Any]:
        """What the rules of a creation look at."""
        return {"project_id": project_id, "tenant_id": project_id}

    def update(self, context: Context, id: str, changes: Document) -> Document:
        """Change attributes of one. :raises NotFound: there is none the caller may see."""
        def work() -> Document:
            with self.kit.db.write() as tx:
                old = self.find(tx, context, id, lock=True)
                target = self.target(tx, old)
                asked = dict(changes)
                self.enforce(context, f"update_{self.name}", target)
                for name in self.flags:
                    if name in asked:
                        asked[name] = truth(asked[name])
                for name in self.guarded_updates:
                    if name in asked and asked[name] != old.get(name):
                        self.enforce(context, f"update_{self.name}:{name}", target)
                new = self.change(tx, context, old, asked)
                self.tell(tx, context, "update", new)
                return new
        return self.shown(context, retried(work))

    def delete(self, context: Context, id: str) -> None:
        """Delete one. :raises NotFound: there is none. :raises InUse: something uses it."""
        def work() -> None:
            with self.kit.db.write() as tx:
                old = self.find(tx, context, id, lock=True)
                self.enforce(context, f"delete_{self.name}", self.target(tx, old))
                self.unmake(tx, context, old)
                self.tell(tx, context, "delete", old)
        retried(work)

    def tell(self, tx: Transaction, context: Context, verb: str, document: Document) -> None:
        """Write the event of a change."""
        title = "".join(word.capitalize() for word in self.name.split("_"))
        self.kit.events.emit(tx, context, f"{self.name}.{verb}.end", f"{title}Payload", document)

    def tag(self, context: Context, id: str, tags: Sequence[str], rule: str) -> list[str]:
        """Replace the tags of one and return them."""
        def work() -> list[str]:
            with self.kit.db.write() as tx:
                old = self.find(tx, context, id, lock=True)
                self.enforce(context, rule, self.target(tx, old))
                return self.write_tags(tx, context, old, tags)
        return retried(work)

    def write_tags(self, tx: Transaction, context: Context, old: Document, wanted: Sequence[str]) -> list[str]:
        """Replace the tags within ``tx``."""
        kept = sorted(set(wanted))
        tx.execute(tables.tags.delete().where(tables.tags.c.resource_id == old["id"]))
        tx.insert(tables.tags, [{"resource_id": old["id"], "tag": tag} for tag in kept])
        self.save(tx, old, {**old, "tags": kept})
        self.kit.events.emit(tx, context, "tag.update.end", "TagPayload", {
            "parent_resource": f"{self.name}s", "parent_resource_id": old["id"], "tags": kept})
        return kept

    def seen_or_none(self, tx: Transaction, context: Context, id: str) -> Document | None:
        """A document the caller may see, or none."""
        try:
            return self.find(tx, context, id)
        except NotFound:
            return None


def _attribute(column: str) -> str:
    for prefix in ("router_external", "provider_", "binding_"):
        if column.startswith(prefix):
            return column.replace("_", ":", 1)
    return column
