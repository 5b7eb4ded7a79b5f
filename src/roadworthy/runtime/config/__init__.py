"""The configuration: `load` reads, merges and checks it, `tree` is the tree, `report` says what is wrong."""
