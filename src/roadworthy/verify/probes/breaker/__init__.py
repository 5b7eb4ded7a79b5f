"""REL-02: the breaker opens after its failures, lets one probe through, and closes."""
