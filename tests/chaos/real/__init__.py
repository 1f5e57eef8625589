"""Chaos for real: real processes, a RabbitMQ and a PostgreSQL of their own, and an oracle outside that sees everything.

`scenarios.py` is the table. `services.py` are the broker and the database, `installation.py` the processes and who
starts them again, `faults.py` what goes wrong, `load.py` what is asked in the meantime, `verdict.py` who judges.
"""
