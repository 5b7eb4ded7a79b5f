"""The configuration: `load` reads, merges and checks it, `tree` is the tree, `report` says what is wrong."""

import os

# Pydantic looks for plug-ins in every installed package when it is imported: 30 ms of each start, for plug-ins that
# nobody gave us. Whoever wants them sets the variable to something else.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
