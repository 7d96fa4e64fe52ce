"""Histories as files: our own documents, and what other tools write."""
