"""The verify room: whether something is fit for production, said with evidence."""
