"""How the schema came to be, step by step (Alembic). A released step is never changed, only followed by another.

Change `storage.tables`, then let Alembic draft the step on a database that stands at the last one:

    with open_engine(read_url(url)).connect() as connection:
        command.revision(alembic_config(connection), "what changed", autogenerate=True, rev_id="0003")
"""
