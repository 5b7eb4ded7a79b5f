"""SEC-07: CORS, TLS and the list of providers' hosts are as the policy says."""
