# Finds Python and uv, for the scripts beside it. Sets $python and $uv, and uv's variables from pip's settings.
# To be sourced from the project's root.

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

find_python() {
    for candidate in python3.11 python3.12 python3.13 python3; do
        # A name on the PATH may be a shim of a version that is not there: only one that answers counts.
        found=$("$candidate" -c 'import sys; print(sys.executable if (3, 11) <= sys.version_info < (3, 14) else "")' \
            2>/dev/null </dev/null) || continue
        [ -n "$found" ] && python=$found && return
    done
    fail "no Python 3.11, 3.12 or 3.13 on the PATH (found: $(python3 --version 2>&1 || echo 'no python3'));" \
        "install one, for example: apt-get install python3.11 python3.11-venv"
}

# uv from the PATH where it is recent enough to know --excludes and --torch-backend; else one of our own.
find_uv() {
    tools=$PWD/.tools
    for uv in uv "$tools/uv/bin/uv" "$tools/venv/bin/uv"; do
        "$uv" pip compile --help 2>/dev/null </dev/null | grep -q -e --excludes && return
    done
    mkdir -p "$tools" && echo '*' >"$tools/.gitignore"
    echo "uv is not installed; getting it into .tools" >&2
    "$python" -m pip install --quiet --target "$tools/uv" --upgrade uv </dev/null >&2 2>"$tools/pip.log" &&
        uv=$tools/uv/bin/uv && [ -x "$uv" ] && return
    "$python" -m venv "$tools/venv" </dev/null >"$tools/venv.log" 2>&1 &&
        "$tools/venv/bin/python" -m pip install --quiet uv </dev/null >>"$tools/venv.log" 2>&1 &&
        uv=$tools/venv/bin/uv && return
    cat "$tools/pip.log" "$tools/venv.log" >&2
    fail "uv could not be installed with $python: it needs pip or venv;" \
        "install uv yourself, or for example: apt-get install python3-pip python3-venv"
}

# HOME may be unset or not ours to write to (a container's odd user): then the cache stays in the project.
use_own_cache_where_home_is_none() {
    [ -n "${UV_CACHE_DIR:-}" ] && return
    [ -n "${HOME:-}" ] && mkdir -p "$HOME/.cache" 2>/dev/null && [ -w "$HOME/.cache" ] && return
    mkdir -p .tools && echo '*' >.tools/.gitignore
    export UV_CACHE_DIR="$PWD/.tools/cache"
}

find_tools() {
    find_python
    use_own_cache_where_home_is_none
    find_uv
    eval "$("$python" scripts/pip_settings.py)"
    export UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG="${UV_NO_CONFIG:-}" UV_NO_PROGRESS=1
    [ -n "$UV_NO_CONFIG" ] || unset UV_NO_CONFIG
}
