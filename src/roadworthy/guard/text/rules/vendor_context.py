"""Keys without a form of their own, behind a vendor's name and a word such as key: `datadog key: …`, `heroku_key=…`."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_UUID = rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_VALUE = compiled_later(rb"(?:" + _UUID + rb"|[A-Za-z0-9/+_\-]{16,128}={0,2})(?![A-Za-z0-9/+_.\-])")
_ONLY_LETTERS = compiled_later(rb"[A-Za-z_\-/+]+")


def _value(candidate: Candidate) -> Span | None:
    text = candidate.line.text
    found = _VALUE.match(text, candidate.end)
    if found is None or is_placeholder(found.group()) or _ONLY_LETTERS.fullmatch(found.group()):
        return None
    return Span(*found.span())


_VENDORS = (
    "adafruit|airtable|algolia|alibaba|amplitude|asana|atlassian|aws|azure|beamer|bitbucket|bittrex|boto|cloudflare"
    "|codecov|cohere"
    "|coinbase|confluent|contentful|datadog|dd|deepgram|deepl|digitalocean|discord|droneci|dropbox|elevenlabs|etsy"
    "|facebook|fastly"
    "|finnhub|flickr|freshbooks|gcp|gemini|github|gitlab|gitter|google|heroku|iamport|intercom|jira|kakao|kraken"
    "|kucoin|launchdarkly"
    "|linkedin|line|looker|mailchimp|mailgun|mapbox|mattermost|messagebird|mistral|mixpanel|naver|ncloud|netlify"
    "|newrelic|nytimes"
    "|okta|openai|openweather|pagerduty|paypal|pinecone|plaid|portone|postmark|rapidapi|rollbar|s3|segment|sendbird"
    "|sentry|slack"
    "|snyk|sonar|splunk|square|squarespace|stripe|sumologic|telegram|tencent|toss|travis|trello|twilio|twitch"
    "|twitter|typeform"
    "|vercel|weaviate|yandex|zendesk|zoom"
)
RULE = Rule(
    name="vendor_context",
    kind=Kind.API_KEY,
    before=r"(?:^|[^A-Za-z]|\\[nrt])",
    core=(
        rf"(?i:(?:{_VENDORS})[ _.\-]?(?:api|app|access|secret|rest|service|auth|oauth|bot|client|license|global"
        rf"|account|admin|server)?[ _.\-]?(?:keys?|token|secret|pat|hec)(?:_id)?)\\{{0,3}}[\"'`]?\]?"
        r"[ \t]{0,3}(?:(?::=|=>|[:=]|is|was|는|은|입니다)[ \t]{0,3})?\\{0,3}[\"'`(]?"
    ),
    check=_value,
    source="names and lengths after gitleaks' rules (MIT); the vendors' own pages",
    score=0.85,
)
