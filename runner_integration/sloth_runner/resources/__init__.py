"""Declared resources: deciding what to do about each, doing it under the journal, reading many."""
