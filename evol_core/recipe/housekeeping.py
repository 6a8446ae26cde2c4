"""What the weekly housekeeping looks after. It builds nothing, so it has no models."""

from typing import Literal

from pydantic import Field

from evol_core.recipe.parts import ModelConfig, Part, Recipe


class VerifyConfig(Part):
    """Which versions are read in full and held against their hashes, counts and ids."""

    versions: Literal["all", "heads"] = "all"


class CollectConfig(Part):
    """Which objects that nothing needs are removed."""

    remove: bool = Field(True, description="False only counts what would go")
    older_than_days: int = Field(7, ge=1, description="Also how long a run must have shown no life")


class EventsConfig(Part):
    """Where lineage events go, as OpenLineage."""

    to: str = Field("", description="http(s) URL of an OpenLineage server, or a file in the home; empty: events wait")
    namespace: str = Field("evol", min_length=1, description="Of our jobs and datasets in the catalogue")
    repository: str = Field("", description="URL of the code, for the events; empty leaves it out")


class IcebergConfig(Part):
    """The mirror of published versions for readers of Iceberg."""

    catalog: Literal["off", "sqlite", "postgres"] = Field(
        "off", description="Where its catalogue is kept: a file in the home, or the evol database"
    )


class HousekeepingRecipe(Recipe):
    """What is looked after."""

    flow: Literal["housekeeping"] = "housekeeping"
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    verify: VerifyConfig = VerifyConfig()
    collect: CollectConfig = CollectConfig()
    events: EventsConfig = EventsConfig()
    iceberg: IcebergConfig = IcebergConfig()
