"""The database engine for PostgreSQL: Django's, with a pool of connections in web processes."""
