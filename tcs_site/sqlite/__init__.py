"""The database engine for SQLite: Django's, whose connections web processes keep."""
