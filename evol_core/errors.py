"""Every error that Evol raises for a person to read: what, the value, what is allowed, the next step.

ValueError is for a caller's misuse of a pure function; `assert` for what cannot happen.
"""


class EvolError(Exception):
    """The root of all of them. The command line prints its message and exits with `exit_code`."""

    exit_code = 1
    retryable = False
    """Whether the same work, tried again later, can pass without anybody changing anything."""


class ConfigError(EvolError):
    """A setting of the platform is out of bounds, or asks for what is not there."""

    exit_code = 2


class RecipeError(EvolError):
    """A recipe does not say something that can be built. Raised before any engine starts."""

    exit_code = 2


class SeedError(EvolError):
    """A seed source cannot be read as what the recipe says it is."""

    exit_code = 2


class InputError(EvolError):
    """A file that a command is given cannot be read as what the command needs, or has rows that cannot."""

    exit_code = 2


class ModelError(EvolError):
    """A model folder is missing or not one that an engine can load."""

    exit_code = 2


class EngineError(EvolError):
    """An engine failed or went away; the rows are unharmed."""

    retryable = True


class NotRecorded(EvolError):
    """A model's answer that is not in the record, where no engine may be started to get it."""


class StoreError(EvolError):
    """The object store cannot be read or written."""

    retryable = True


class ObjectDamaged(EvolError):
    """An object's bytes are not those that its name promises."""


class NotFound(EvolError):
    """A dataset, version, row, run or checkpoint that nobody has recorded."""

    exit_code = 2


class DatabaseError(EvolError):
    """The `evol` database cannot be reached, or holds another schema version."""

    retryable = True


class QueryError(EvolError):
    """An analyst's SQL that Postgres cannot run, or that takes too long."""

    exit_code = 2


class VersionConflict(EvolError):
    """Another writer moved the dataset's head; read it again and publish on top."""

    retryable = True


class Retracted(EvolError):
    """What was built is a version that somebody has taken back for good."""


class Fenced(EvolError):
    """A newer attempt owns this work; this one must stop and change nothing."""


class RowsLost(EvolError):
    """Rows in and rows out do not add up; nothing was published."""


class CatalogueError(EvolError):
    """The place that lineage events go to cannot be reached."""

    retryable = True


class EventRefused(EvolError):
    """A catalogue does not want a lineage event."""


class JobFailed(EvolError):
    """A stage job ended without its result."""

    retryable = True


class PlatformError(EvolError):
    """The embedded platform could not be brought up, or is not up."""


class SandboxUnavailable(EvolError):
    """This machine cannot prove the isolation that generated code needs; nothing is run."""
