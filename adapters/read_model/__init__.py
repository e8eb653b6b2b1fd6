"""The read model: what the portal and `why` ask, in a SQL database that can be dropped and rebuilt from the topics at any time.

engine.py       from an address to an engine            migrate.py   the schema, by Alembic
tables.py       the tables                              store.py     the one writer: batches and their offsets in one transaction
views.py        what readers get                        queries.py   the readers' questions
marks.py        how an entry stands (pure)              wording.py   the same in plain words (pure)
"""
