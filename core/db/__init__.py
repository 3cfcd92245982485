"""The database: engine, transactions, column types, paging, migrations."""
