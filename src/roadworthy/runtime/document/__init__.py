"""Texts of models as documents: harmless Markdown, HTML, DOCX and PDF."""
