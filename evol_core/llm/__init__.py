"""Engines that answer requests, and the record of their answers."""
