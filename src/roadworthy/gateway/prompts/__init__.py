"""Prompts as versioned files, in Korean and English, chosen by role, mode and model; a dictionary of Korean words."""
