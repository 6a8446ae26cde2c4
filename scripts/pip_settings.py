"""Where pip looks for packages, said to uv: prints `export NAME=VALUE` lines for a shell to evaluate.

uv reads none of pip's configuration. A variable that is set for uv already is left as it is.
Standard library only: it runs in whatever Python the machine has, before there is an environment.
"""

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

PIP_TO_UV = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "cert": ("SSL_CERT_FILE", " "),
}
"""pip's setting, uv's variable, and what stands between two values of it."""

SECTIONS = ("global", "install", ":env:")
"""Where pip takes a setting for `pip install` from; the last one that has it holds."""


def settings_of(listing: str) -> dict[str, str]:
    """pip's settings from `pip config list`, whose lines are like "global.find-links='wheels more'"."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section in found:
            found[section][name.lstrip(".")] = str(ast.literal_eval(value))
    return {name: value for section in SECTIONS for name, value in found[section].items()}


def uv_environment(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """uv's variables for pip's settings, less those that are set already."""
    wanted = {
        variable: separator.join(settings[name].split())
        for name, (variable, separator) in PIP_TO_UV.items()
        if settings.get(name, "").split()
    }
    if "UV_INDEX" in wanted:
        wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: all indexes are equal
    return {name: value for name, value in wanted.items() if name not in environment}


def main() -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    for name, value in uv_environment(settings_of(listing.stdout), os.environ).items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
