"""Whether an answer is one: the default rules that hold on every route."""
