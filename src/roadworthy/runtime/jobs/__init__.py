"""Durable jobs: the DBOS implementation of `core.ports.Jobs`. Import `dbos_jobs` only where jobs are really used."""
