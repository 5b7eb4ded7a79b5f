"""Model files, judged by walking their bytes: nothing that is looked at is ever loaded, imported or executed."""
