"""The embedded stack: everything Kairos needs on one machine, without Docker.

`bootstrap.py` makes `.venv` with nothing but the standard library, then hands over to
`python -m stack`, which starts PostgreSQL and Valkey from their wheels, the web server, the
workers and the carrier simulator, watches them, and stops them all. No product code imports
this package.
"""
