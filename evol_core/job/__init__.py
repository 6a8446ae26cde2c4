"""A stage job: one order, run as an operating system process that outlives whoever started it.

The starter writes a spec into the job's folder and launches a supervisor in a session of its own. The supervisor
runs the worker (the process that computes), and writes everything that others read: heartbeat, progress, result.
Whoever follows the job renews its lease; a job that nobody follows any more ends itself.
"""
