"""PII-01: masking finds each kind of personal data and secret of the labelled corpus."""
