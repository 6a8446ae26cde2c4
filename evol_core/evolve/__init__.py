"""Rounds of evolution: an operator rewrites an instruction, rules accept or refuse, the child is answered."""
