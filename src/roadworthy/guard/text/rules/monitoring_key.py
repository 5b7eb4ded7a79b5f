"""Keys of services for logs, metrics and errors."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

RULE = family(
    "monitoring_key",
    (
        r"gl(?:sa|c)_[A-Za-z0-9+/_]{24,}={0,3}",  # Grafana
        r"eyJrIjoi[A-Za-z0-9]{60,}={0,3}",
        r"sntry[su]_[A-Za-z0-9+/=_\-]{32,}",  # Sentry
        r"NR(?:AK|II|JS|RA|BR|IQ)-[A-Za-z0-9\-]{16,}",  # New Relic
        r"dt0[cs][0-9]{2}\.[A-Za-z0-9]{20,}\.[A-Za-z0-9]{40,}",  # Dynatrace
        r"hc[abcimx]ik_[A-Za-z0-9]{30,}",  # Honeycomb
        r"xa[ap]t-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",  # Axiom
        r"dd(?:pat|app|api)_[A-Za-z0-9]{24,}",  # Datadog
        r"pub[0-9a-f]{32}",  # Datadog client tokens
        r"essu_[A-Za-z0-9+/=]{24,}",  # Elastic
        r"sm_[aps]at_[A-Za-z0-9]{16}",
    ),
    "the vendors' own pages; gitleaks' rules (MIT) for Grafana, Sentry, New Relic and Dynatrace",
)
