"""PER-05: the cache tells right answers, to their owners alone, while they are fresh, and marks those that are not."""
