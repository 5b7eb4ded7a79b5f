"""Pickles walked by an abstract stack machine: which names they import, what they call, where they end."""
