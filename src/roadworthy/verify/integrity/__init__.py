"""Are the files still the files that were signed: manifest, hashing, comparison."""
