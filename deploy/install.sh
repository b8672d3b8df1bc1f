#!/usr/bin/env bash
# Install station-ctl from this checkout as a systemd service. Running it again updates; it never overwrites a
# configuration. See deploy/README.md.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: install.sh [--prefix DIR] [--root DIR] [--python PROGRAM] [--no-venv] [--start]
  --prefix DIR      where the program goes (default /opt/station-ctl)
  --root DIR        install below DIR instead of / and leave systemd alone (for images and tests)
  --python PROGRAM  Python 3.11 or newer (default python3)
  --no-venv         files only; the virtual environment exists already or is made otherwise
  --start           enable and start the service at the end
USAGE
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

prefix=/opt/station-ctl
root=
python=python3
venv=yes
start=no
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a directory}; shift 2 ;;
        --root) root=${2:?--root needs a directory}; shift 2 ;;
        --python) python=${2:?--python needs a program}; shift 2 ;;
        --no-venv) venv=no; shift ;;
        --start) start=yes; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
done

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
checkout=$(dirname -- "$here")
root=${root%/}
case $prefix in
    /*[!A-Za-z0-9_./-]*) fail "--prefix has characters that unit files cannot take as they are: $prefix" ;;
    /?*) ;;
    *) fail "--prefix must be an absolute directory below /: $prefix" ;;
esac
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    fail "needs root (or --root DIR to install somewhere else)"
fi

put() { # put MODE SOURCE TARGET: replaces in one step, so that nothing reads half a file
    install -d -m 755 "$(dirname -- "$3")"
    install -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
}

make_venv() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is not Python 3.11 or newer"
    if [ ! -x "$root$prefix/venv/bin/python" ]; then
        "$python" -m venv "$root$prefix/venv"
    fi
    set --
    if [ -f "$checkout/constraints.txt" ]; then
        set -- -c "$checkout/constraints.txt"
    fi
    "$root$prefix/venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$@" "$checkout"
}

install -d -m 755 "$root$prefix" "$root$prefix/share" "$root/etc/station-ctl"
if [ "$venv" = yes ]; then
    make_venv
fi

unit=$(mktemp)
trap 'rm -f "$unit"' EXIT
sed "s#/opt/station-ctl/#$prefix/#g" "$here/station-ctl.service" >"$unit"
put 644 "$unit" "$root/etc/systemd/system/station-ctl.service"
put 644 "$here/80-can0.network" "$root/etc/systemd/network/80-can0.network"
put 644 "$here/80-can0.link" "$root/etc/systemd/network/80-can0.link"
put 644 "$here/README.md" "$root$prefix/share/README.md"
put 644 "$here/mosquitto/station.conf" "$root$prefix/share/mosquitto/station.conf"
put 644 "$here/mosquitto/acl" "$root$prefix/share/mosquitto/acl"
example=$here/station.example.toml
if [ -f "$example" ]; then
    put 644 "$example" "$root$prefix/share/station.example.toml"
    if [ ! -e "$root/etc/station-ctl/station.toml" ]; then
        put 644 "$example" "$root/etc/station-ctl/station.toml"
    fi
fi

# On everybody's PATH. What is already there under that name, and not ours, is somebody else's.
install -d -m 755 "$root/usr/local/bin"
for command in station-ctl station-console; do
    link=$root/usr/local/bin/$command target=$prefix/venv/bin/$command
    if [ -L "$link" ] && [ "$(readlink "$link")" = "$target" ]; then
        continue
    elif [ -e "$link" ] || [ -L "$link" ]; then
        printf 'install.sh: %s is not ours and stays; the command is %s\n' "$link" "$target" >&2
    else
        ln -s "$target" "$link"
    fi
done

if [ -n "$root" ]; then
    printf 'installed below %s; systemd was left alone\n' "$root"
    exit 0
fi
systemctl daemon-reload
if [ "$start" = yes ]; then
    "$prefix/venv/bin/station-ctl" check-config --config /etc/station-ctl/station.toml
    systemctl enable station-ctl.service
    systemctl restart station-ctl.service
fi
printf 'installed in %s; edit /etc/station-ctl/station.toml, then: systemctl enable --now station-ctl\n' "$prefix"
