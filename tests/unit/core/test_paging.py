"""Keyset paging: every walk sees each row once, in order, whatever the sort."""

import itertools

import pytest
import sqlalchemy as sa
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.paging import Page, paged
from stratolith.core.errors import BadRequest

TABLE = sa.Table("things", sa.MetaData(), sa.Column("id", sa.String(8), primary_key=True),
                 sa.Column("name", sa.String(8)), sa.Column("size", sa.Integer))
ROWS = [{"id": f"id{n:02}", "name": name, "size": size}
        for n, (name, size) in enumerate(itertools.product(["b", "a", None], [1, None, 3, 2]))]


@pytest.fixture(scope="module")
def database():
    made = Database(DatabaseOptions(), "sqlite://")
    TABLE.metadata.create_all(made.engine)
    with made.write() as tx:
        tx.insert(TABLE, ROWS)
    return made


def walk(database, limit, sort, reverse=False):
    seen, marker = [], ""
    while True:
        with database.read() as tx:
            page = Page(limit=limit, marker=marker, sort=sort, reverse=reverse)
            rows = tx.rows(paged(sa.select(TABLE), TABLE, page, tx))
        if not rows:
            return seen
        seen += [row.id for row in rows]
        marker = rows[-1].id


def expected(sort, reverse=False):
    rows = sorted(ROWS, key=lambda row: row["id"], reverse=(sort[-1][1] == "desc") != reverse if sort else reverse)
    for name, direction in reversed(sort):
        rows.sort(key=lambda row: (row[name] is not None, row[name] or 0 if name == "size" else row[name] or ""),
                  reverse=(direction == "desc") != reverse)
    return [row["id"] for row in rows]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sort", [[], [("name", "asc")], [("size", "desc")], [("name", "desc"), ("size", "asc")]])
def test_a_walk_sees_each_row_once_in_order(database, limit, sort, reverse):
    seen = walk(database, limit, sort, reverse)
    assert sorted(seen) == sorted(row["id"] for row in ROWS)
    assert seen == expected(sort, reverse)


def test_an_unknown_marker_or_key_is_refused(database):
    with database.read() as tx:
        with pytest.raises(BadRequest):
            paged(sa.select(TABLE), TABLE, Page(marker="nope"), tx)
        with pytest.raises(BadRequest):
            paged(sa.select(TABLE), TABLE, Page(sort=[("color", "asc")]), tx)
