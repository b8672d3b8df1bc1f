#!/usr/bin/env bash
# Take away what install.sh made. The journal in /var/lib and the configuration in /etc stay, unless --purge.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: uninstall.sh [--prefix DIR] [--root DIR] [--purge]
  --prefix DIR  where the program was put (default /opt/station-ctl)
  --root DIR    uninstall below DIR instead of / and leave systemd alone
  --purge       also delete the configuration and the journal: what was swapped, charged and commanded is lost
USAGE
}

fail() {
    printf 'uninstall.sh: %s\n' "$1" >&2
    exit 1
}

prefix=/opt/station-ctl
root=
purge=no
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a directory}; shift 2 ;;
        --root) root=${2:?--root needs a directory}; shift 2 ;;
        --purge) purge=yes; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
done
root=${root%/}
case $prefix in
    /?*) ;;
    *) fail "--prefix must be an absolute directory below /: $prefix" ;;
esac
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    fail "needs root (or --root DIR)"
fi

if [ -z "$root" ] && [ -e /etc/systemd/system/station-ctl.service ]; then
    systemctl disable --now station-ctl.service || fail "the service did not stop; nothing was removed"
fi
rm -f "$root/etc/systemd/system/station-ctl.service" \
    "$root/etc/systemd/network/80-can0.network" "$root/etc/systemd/network/80-can0.link"
if [ -z "$root" ]; then
    systemctl daemon-reload
fi
for command in station-ctl station-console; do
    link=$root/usr/local/bin/$command
    if [ -L "$link" ] && [ "$(readlink "$link")" = "$prefix/venv/bin/$command" ]; then
        rm -f "$link"
    fi
done

# Only what install.sh put there: the prefix may be a directory that others use as well.
rm -rf "$root${prefix:?}/venv" "$root${prefix:?}/share/mosquitto"
rm -f "$root$prefix/share/README.md" "$root$prefix/share/station.example.toml"
for directory in "$root$prefix/share" "$root$prefix"; do
    if [ -d "$directory" ]; then
        rmdir --ignore-fail-on-non-empty "$directory"
    fi
done

if [ "$purge" = yes ]; then
    rm -rf "$root/etc/station-ctl" "$root/var/lib/private/station-ctl" "$root/var/lib/station-ctl"
    printf 'station-ctl is removed, with its configuration and its journal\n'
else
    printf 'station-ctl is removed; configuration (/etc/station-ctl) and journal (/var/lib/station-ctl) were kept\n'
fi
