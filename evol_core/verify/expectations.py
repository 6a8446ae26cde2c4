"""What a test case expects, in the many ways that models write true and false."""

Expected = bool | str
"""True or False; a text where normalising is off and the model wrote no boolean: no checker can agree with it."""

_SAID: dict[type, dict[object, bool]] = {
    bool: {True: True, False: False},
    str: {"True": True, "true": True, "False": False, "false": False},
    int: {1: True, 0: False},
}


def expected_of(output: object, *, strict: bool = False) -> Expected | None:
    """The expectation that a case's `output` states.

    Args:
        output: as it stood in the reply's JSON.
        strict: take only JSON's own true and false at their word. "True" or 1 then stays what it is, a case that no
            checker agrees with, as in AutoIF's own code.

    Returns:
        None where it says neither true nor false in any known way; the case is rejected then.
    """
    known = _SAID.get(type(output))
    said = known.get(output) if known is not None else None
    if said is None or not strict or isinstance(output, bool):
        return said
    return str(output)
