# shellcheck shell=sh disable=SC2154
# PID 1 of the guest: put an overlay over the host's files and go on with systemd or the job in it.
# User-mode Linux starts it itself; with QEMU the initramfs sources it. run-in-vm writes KIND, SYSTEMD, RUN and CACHE
# before this. B: busybox, L: the host's files, T: memory to work in, N: the new root.
die() {
    echo "guest init: $*" >/dev/console
    $B poweroff -f
}

switch() { # make $N the root and go on with "$@" as PID 1
    if [ "$KIND" = qemu ]; then exec $B switch_root "$N" "$@"; fi
    cd "$N" && $B pivot_root . mnt && exec $B chroot . "$@" <dev/console >dev/console 2>&1
}

if [ "$KIND" = uml ]; then
    B=$CACHE/uml/busybox T=/mnt L=/ # the kernel mounted the host's files read-only as /
    $B mount -t proc proc /proc
    $B mount -t sysfs sys /sys
    for module in $($B cat "$CACHE/uml/modules/list"); do
        $B insmod "$CACHE/uml/modules/$module" || echo "insmod $module failed"
    done
else
    B=/bin/busybox T=/upper L=/lower
fi
N=$T/new
$B mount -t tmpfs -o size=75%,mode=755 tmpfs $T || die "no tmpfs"
$B mkdir -p $T/u $T/w $N
$B mount -t overlay -o lowerdir=$L,upperdir=$T/u,workdir=$T/w overlay $N || die "no overlay"
i=0
while read -r folder; do
    if [ "$KIND" = uml ]; then
        $B mount -t hostfs -o "$folder" none "$N$folder" || die "cannot share $folder"
    else
        $B mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap rw$i "$N$folder" || die "cannot share $folder"
        i=$((i + 1))
    fi
done <"${L%/}$RUN/shared"

$B mount -t proc proc $N/proc
$B mount -t sysfs sys $N/sys
$B mount -t devtmpfs dev $N/dev
$B mkdir -p $N/dev/pts $N/dev/shm $N/run $N/sys/fs/cgroup
$B mount -t devpts -o ptmxmode=666,mode=620 devpts $N/dev/pts
$B mount -t tmpfs -o mode=1777 shm $N/dev/shm
$B mount -t tmpfs -o mode=755 run $N/run
$B ln -sf /proc/self/fd $N/dev/fd
$B ln -sf /proc/self/fd/0 $N/dev/stdin
$B ln -sf /proc/self/fd/1 $N/dev/stdout
$B ln -sf /proc/self/fd/2 $N/dev/stderr
$B hostname vm
echo vm >$N/etc/hostname
[ -s $N/etc/machine-id ] || $B tr -d - </proc/sys/kernel/random/uuid >$N/etc/machine-id
$B ip link set lo up

if [ "$KIND" = qemu ]; then
    for name in can0 can1; do
        $B chroot $N /sbin/ip link set $name txqueuelen 128 up type can bitrate 250000 restart-ms 100
        for _ in 1 2 3 4 5 6 7 8 9 10; do # the carrier comes a moment later
            read -r state </sys/class/net/$name/operstate
            [ "$state" = up ] && break
            $B sleep 0.2
        done
    done
    for port in /sys/class/virtio-ports/*; do
        read -r name <"$port/name"
        $B ln -s "${port##*/}" "$N/dev/vport-$name"
    done
    $B cp $B $N/run/busybox
else
    # Debian's ps fails on a /proc/cpuinfo without this line
    $B sed '/^mode\t/a core id\t\t: 0' /proc/cpuinfo >$N/run/cpuinfo
    $B mount --bind $N/run/cpuinfo $N/proc/cpuinfo
    for tty in 1 2; do $B stty -F $N/dev/tty$tty raw -echo -opost; done # no newline translation
    $B cp "$B" $N/run/busybox
fi

if [ "$SYSTEMD" = 0 ]; then
    $B cat >$N/run/stage2 <<U
#!/bin/bash
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
bash $RUN/job
/run/busybox poweroff -f
U
    switch /bin/bash /run/stage2
fi

# systemd: only the basic system; none of the host's own enabled services is started.
U=$N/run/systemd/system
$B mkdir -p $U
$B cat >$U/vmjob.target <<'U'
[Unit]
Requires=basic.target
After=basic.target
Wants=vmjob.service dbus.socket
AllowIsolate=yes
U
$B cat >$U/vmjob.service <<U
[Unit]
Description=run-in-vm command
After=basic.target dbus.socket
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=exec
ExecStart=/bin/bash $RUN/job
StandardInput=null
Delegate=yes
TasksMax=infinity
OOMPolicy=continue
U
# systemd-tmpfiles must not empty /tmp: the command's files may lie there
$B mkdir -p $N/run/tmpfiles.d
for f in tmp x11; do $B ln -s /dev/null $N/run/tmpfiles.d/$f.conf; done
for unit in proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount getty.target \
    systemd-networkd.service systemd-resolved.service systemd-timesyncd.service systemd-remount-fs.service \
    systemd-udevd.service systemd-update-utmp.service systemd-hwdb-update.service systemd-journal-flush.service \
    systemd-firstboot.service systemd-sysusers.service e2scrub_reap.service systemd-tmpfiles-clean.timer apt-daily.timer \
    apt-daily-upgrade.timer man-db.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer logrotate.timer; do
    $B ln -sf /dev/null $U/$unit
done
: >$N/etc/fstab
switch /lib/systemd/systemd --system --unit=vmjob.target --log-target=journal-or-kmsg --show-status=0
