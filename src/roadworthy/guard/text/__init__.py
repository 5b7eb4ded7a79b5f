"""Personal data and secrets in text: found by rules, replaced by marks, in whole texts and in streams."""
