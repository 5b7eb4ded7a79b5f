"""PII-02: personal data and secrets in requests are in no log, journal, metric or evidence."""
