"""The `evol` command line, one module a group of commands."""
