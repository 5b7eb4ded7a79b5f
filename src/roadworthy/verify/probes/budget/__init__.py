"""LLM-10: budgets of tokens, cost, rate and concurrency hold under concurrent requests."""
