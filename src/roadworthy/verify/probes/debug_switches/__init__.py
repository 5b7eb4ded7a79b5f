"""SEC-08: stub switches and debug switches of the running configuration are off."""
