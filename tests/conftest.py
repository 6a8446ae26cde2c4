"""What holds for every test: how long a property takes is no part of whether it holds."""

from hypothesis import HealthCheck, settings

settings.register_profile("evol", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("evol")
