"""English words that say nothing by themselves. Words that can be an answer, such as yes, no and both, are not here."""

_WORDS = """
a an the this that these those
i me my mine myself we us our ours ourselves you your yours yourself yourselves
he him his himself she her hers herself it its itself they them their theirs themselves
am is are was were be been being do does did doing done have has had having
will would shall should can could may might must
and or but nor so if then than as because while although though
of to in on at by for with from into onto about over under between through during
up down out off again further once
what which who whom whose when where why how
not too very just only also even still such own same other there here
s t d ll m re ve don doesn didn isn aren wasn weren won wouldn couldn shouldn hasn haven hadn ain
"""

STOP_WORDS = frozenset(_WORDS.split())
