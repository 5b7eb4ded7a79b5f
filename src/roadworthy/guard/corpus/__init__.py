"""The guard's proof: labelled lines made by rule from a seed, the score of a detector on them, and its report."""
