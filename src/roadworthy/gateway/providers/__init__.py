"""One file per provider; each translates its API's documented shapes from and to OpenAI's."""
