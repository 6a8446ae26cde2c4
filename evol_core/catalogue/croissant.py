"""A version as a Croissant file: JSON-LD that data set tools read. Format 1.0, http://mlcommons.org/croissant/1.0."""

from typing import Any

from evol_core.catalogue.facts import Column, Facts

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The names of the format; every file of it begins with them."""

PARQUET = "application/x-parquet"

_TYPES = {"string": "sc:Text", "int64": "sc:Integer", "double": "sc:Float", "bool": "sc:Boolean"}
"""What Croissant calls Arrow's types. A column of another type is left out, for it has no word for it."""


def data_file(number: int, sha256: str) -> str:
    """The path of a version's n-th data object in a folder with its card."""
    return f"data/{number:05d}-{sha256[:12]}.parquet"


def croissant(facts: Facts, description: str) -> dict[str, Any]:
    """The file's content. Paths are relative to the folder that holds it."""
    version = facts.version
    said: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": version.name,
        "description": description,
        "version": f"{version.version}.0.0",
        "datePublished": facts.created.date().isoformat(),
        "isLiveDataset": False,
        "license": [_licence(name) for name in facts.licences],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": f"object-{number}",
                "name": f"object-{number}",
                "contentUrl": data_file(number, stored.sha256),
                "contentSize": f"{stored.n_bytes} B",
                "encodingFormat": PARQUET,
                "sha256": stored.sha256,
            }
            for number, stored in enumerate(version.data)
        ],
        "recordSet": [_records(number, len(version.data), facts) for number in range(len(version.data))],
    }
    return {name: value for name, value in said.items() if value != []}


def _records(number: int, of: int, facts: Facts) -> dict[str, Any]:
    """The rows of one object. The format joins no files that are listed one by one, so each has its own set."""
    name = "rows" if of == 1 else f"rows-{number}"
    fields = [_field(name, number, column) for column in facts.columns if column.type in _TYPES]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{facts.version.data[number].n_rows} rows",
        "field": fields,
    }


def _field(records: str, number: int, column: Column) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column.name}",
        "name": column.name,
        "description": column.meaning or column.name,
        "dataType": _TYPES[column.type],
        "source": {"fileObject": {"@id": f"object-{number}"}, "extract": {"column": column.name}},
    }


def _licence(name: str) -> str:
    """A URL where the name is one of SPDX's, as far as its form tells; else the name as it was given."""
    return f"https://spdx.org/licenses/{name}.html" if "-" in name else name
