"""The guard room: what may pass. Text, secrets, actions, patterns, documents."""
