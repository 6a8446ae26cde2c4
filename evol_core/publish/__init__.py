"""From scored rows to a version: gates, selection, decontamination."""
