"""SEC-07: web pages of others cannot use the service, somebody ends TLS, providers are those of the policy."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from roadworthy.runtime.config.tree import Config
from roadworthy.verify.outcome import Coverage, Finding, Missing, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import CHAT, Caller
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import alive, service_key, wrong

ORIGIN = "https://pages.example.net"
HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "perplexity": "api.perplexity.ai",
    "deepseek": "api.deepseek.com",
}
"""Where the API of a kind lives when the configuration does not say."""


def probe(context: Context) -> Outcome:
    """Two requests with an origin that change nothing, and a look at the configuration."""
    url = alive(context)
    config = of_service(context)
    findings = _origins(context, url) + _tls(context, config)
    hosts = _hosts(config)
    context.evidence.write_json(
        {
            "listens_on": config.gateway.host,
            "tls": context.settings["tls"],
            "provider_hosts": hosts,
            "allowed": context.settings["egress"],
        },
        "network settings of the configuration",
        covers=[url],
    )
    allowed = context.settings["egress"]
    missing = []
    if allowed is None:
        missing.append(Missing(name="egress list"))
    else:
        findings += [
            wrong(context, "egress", f"The provider {name} is at {host}, which the policy does not name.", name)
            for name, host in hosts.items()
            if host not in allowed and not _own(host)
        ]
    coverage = Coverage(
        examined=3 - len(missing),
        existing=3,
        missing=tuple(missing),
        how_counted="Existing: CORS, TLS, hosts of providers. Examined: those that were compared with the policy.",
    )
    told = "" if allowed is not None else " The policy names no hosts for providers (SEC-07.egress)."
    return judged(
        f"{len(findings)} settings of the network are not as the policy says.{told}",
        coverage=coverage,
        findings=findings,
    )


def _origins(context: Context, url: str) -> list[Finding]:
    rows, findings = [], []
    headers = {"origin": ORIGIN, "access-control-request-method": "POST"}
    with Caller(url, service_key(), 10.0) as caller:
        replies = {method: caller.send(method, CHAT, b"{}", headers) for method in ("OPTIONS", "POST")}
    for method, reply in replies.items():
        if reply.status is None:
            raise NotMeasured(f"The service at {url} does not answer a request with an origin.")
        allowed = reply.headers.get("access-control-allow-origin", "")
        rows.append({"method": method, "status": reply.status, "allow_origin": allowed})
        if allowed in ("*", ORIGIN):
            findings.append(wrong(context, "cors", f"{method} {CHAT} allows web pages of any origin.", method))
    context.evidence.write_json(rows, "requests with the origin of a foreign page", covers=[url])
    return findings


def _tls(context: Context, config: Config) -> list[Finding]:
    if _own(config.gateway.host) or context.settings["tls"] != "loopback":
        return []
    return [
        wrong(
            context,
            "tls",
            f"The service listens on {config.gateway.host} without TLS, and the policy names nothing "
            "in front of it that ends TLS.",
            severity=Severity.MEDIUM,
        )
    ]


def _hosts(config: Config) -> dict[str, str]:
    found = {}
    for name, provider in config.gateway.providers.items():
        if provider.kind != "embedded":
            found[name] = urlsplit(provider.base_url or "").hostname or HOSTS.get(provider.kind, "unknown")
    return found


def _own(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
