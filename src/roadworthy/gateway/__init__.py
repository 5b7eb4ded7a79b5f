"""The data plane: requests in, real answers out, or an honest error."""
