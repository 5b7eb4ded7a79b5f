"""The configuration: `load.load` reads, merges and checks it; `tree.Config` is the tree; `report` says what is wrong."""
