"""Sorts what customers say."""
