# shellcheck shell=bash
# Sourced by run-in-vm: fetch what the guest is made of, once, into $CACHE. Packages are unpacked, never installed.

fetch() { # fetch PACKAGE... into the current folder, from the releases this machine's apt knows
    apt-get -qq -o APT::Sandbox::User=root download "$@" 2>/dev/null && return 0
    apt-get -qq update && apt-get -qq -o APT::Sandbox::User=root download "$@"
}

fetch_from() { # fetch_from SUITE PACKAGE...: from another release, by an apt of its own with its own lists
    local suite=$1 mirror key=/usr/share/keyrings/debian-archive-keyring.gpg
    shift
    # the mirror that this machine already uses for Debian's main archive
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
        grep -v security | head -1)
    [ -n "$mirror" ] || mirror=$(sed -n 's/^URIs: *//p;s/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -m1 debian)
    [ -n "$mirror" ] || { say "no Debian mirror is configured for apt"; return 1; }
    mkdir -p apt/lists/partial apt/cache/archives/partial
    echo "deb [signed-by=$key] $mirror $suite main" >apt/sources.list
    cat >apt/apt.conf <<CONF
Dir::Etc::sourcelist "$PWD/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$PWD/apt/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$PWD/apt/cache";
APT::Sandbox::User "root";
Acquire::Retries "5";
Acquire::Languages "none";
CONF
    APT_CONFIG=$PWD/apt/apt.conf apt-get -qq update &&
        APT_CONFIG=$PWD/apt/apt.conf apt-get -qq download "${@/%//$suite}"
}

# modules TREE DEST NAME...: copy modules and what they need to DEST, in loading order, and list them in DEST/list.
# A module that the kernel lacks is left out: some have it built in.
modules() {
    mkdir -p "$2" && python3 - "$@" <<'PY'
import gzip, lzma, sys
from pathlib import Path

tree, dest, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
needs = {}
for line in (tree / "modules.dep").read_text().splitlines():
    module, _, needed = line.partition(":")
    needs[module] = needed.split()


def short(path):
    return Path(path).name.split(".ko")[0]


paths = {short(path).replace("-", "_"): path for path in needs}
order = []


def add(path):
    for needed in needs[path]:
        add(needed)
    if path not in order:
        order.append(path)


for name in names:
    if name.replace("-", "_") in paths:
        add(paths[name.replace("-", "_")])
unpack = {".xz": lzma.decompress, ".gz": gzip.decompress}
for path in order:
    data = (tree / path).read_bytes()
    (dest / f"{short(path)}.ko").write_bytes(unpack.get(Path(path).suffix, bytes)(data))
(dest / "list").write_text("".join(f"{short(path)}.ko\n" for path in order))
PY
}

setup_uml() {
    # the kernel is patched with the cache's own path: a cache that was moved is made anew
    [ "$(cat "$CACHE/uml/ready" 2>/dev/null)" != "$SUITE $CACHE" ] || return 0
    in_folder fetch_uml "$SUITE" && return 0
    [ -n "$SUITE" ] || return 1
    say "no user-mode kernel from $SUITE; taking this release's own (slower)"
    in_folder fetch_uml ''
}

in_folder() { # run a function in a temporary folder of the cache
    local folder status
    folder=$(mktemp -d "$CACHE/tmp.XXXXXX") || return 1
    (cd "$folder" && "$@")
    status=$?
    rm -rf "$folder"
    return $status
}

# (every line has its own || return: set -e is ignored in what stands before a && or ||)
fetch_uml() { # fetch_uml SUITE; '': the release that apt is set up for
    say "fetching user-mode-linux (${1:-this release}) into $CACHE/uml"
    local package
    mkdir uml
    if [ -n "$1" ]; then
        fetch_from "$1" user-mode-linux libc6 && fetch busybox-static patchelf || return 1
    else
        fetch busybox-static user-mode-linux || return 1
    fi
    for package in *.deb; do dpkg -x "$package" x || return 1; done
    cp x/usr/bin/linux.uml uml/linux && cp x/bin/busybox uml/busybox || return 1
    if [ -n "$1" ]; then
        # The packaged kernel is linked to its release's libc: give it that one, for itself alone.
        cp x/usr/lib/x86_64-linux-gnu/{ld-linux-x86-64.so.2,libc.so.6} uml/ || return 1
        x/usr/bin/patchelf --set-interpreter "$CACHE/uml/ld-linux-x86-64.so.2" --set-rpath "$CACHE/uml" uml/linux || return 1
    fi
    modules x/usr/lib/uml/modules/* uml/modules overlay can can-raw vcan slcan autofs4 || return 1
    echo "$SUITE $CACHE" >uml/ready
    rm -rf "$CACHE/uml"
    mv uml "$CACHE/uml"
}

setup_qemu() {
    if ! command -v qemu-system-x86_64 >/dev/null; then
        say "installing qemu-system-x86"
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 \
            install --no-install-recommends qemu-system-x86; } >"$CACHE/apt-qemu.log" 2>&1 ||
            { tail -5 "$CACHE/apt-qemu.log" >&2; return 1; }
    fi
    [ -e "$CACHE/qemu/ready" ] || in_folder fetch_qemu
}

fetch_qemu() {
    say "fetching a Debian kernel into $CACHE/qemu"
    local package release
    fetch busybox-static || return 1
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ {print $2; exit}')
    fetch "$package" || return 1
    for file in *.deb; do dpkg -x "$file" x || return 1; done
    release=${package#linux-image-}
    [ -e "x/lib/modules/$release/modules.dep" ] || x/bin/busybox depmod -b "$PWD/x" "$release" || return 1
    mkdir -p initrd/{bin,proc,sys,dev,new,lower,upper,run} qemu
    modules "x/lib/modules/$release" initrd/modules virtio_pci 9p 9pnet_virtio overlay virtio_console virtio-rng \
        can can-raw vcan slcan kvaser_pci autofs4 || return 1
    cp x/bin/busybox initrd/bin/ && ln -s busybox initrd/bin/sh || return 1
    cat >initrd/init <<'INIT'
#!/bin/sh
# initramfs: load modules, mount the host's files (9p, read-only), go on with run-in-vm's init
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
for module in $($B cat /modules/list); do $B insmod /modules/$module; done
for word in $($B cat /proc/cmdline); do case $word in rv=*) RV=${word#rv=} ;; esac; done
$B mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower
. /lower$RV/init
INIT
    chmod +x initrd/init
    (cd initrd && find . | ./bin/busybox cpio -o -H newc 2>/dev/null) >qemu/initrd || return 1
    # The uncompressed kernel, booted by its PVH entry: spares the emulated CPU the unpacking.
    python3 - "x/boot/vmlinuz-$release" qemu/vmlinux <<'PY' || return 1
import lzma, struct, sys
from pathlib import Path

image = Path(sys.argv[1]).read_bytes()
offset, length = struct.unpack_from("<II", image, 0x248)
offset += ((image[0x1F1] or 4) + 1) * 512
payload = image[offset : offset + length]
xz = payload[:6] == b"\xfd7zXZ\0"
Path(sys.argv[2]).write_bytes(lzma.LZMADecompressor().decompress(payload) if xz else image)
PY
    touch qemu/ready
    rm -rf "$CACHE/qemu"
    mv qemu "$CACHE/qemu"
}
