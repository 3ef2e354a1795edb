#!/usr/bin/env bash
# Builds the deploy ramdisk: the guest image's own root file system as one initramfs, and on top of
# it a second one with Python and the agent.
#
#   build.sh BASE_DIR AGENT_DIR OUTPUT_DIR            (CACHE=DIR: where the .deb files are kept)
#
# BASE_DIR has vmlinuz and ramdisk.img of the guest image. Into OUTPUT_DIR go
#   vmlinuz        the kernel
#   ramdisk.img    the initramfs: the kernel unpacks both parts, one over the other
#   manifest.txt   packages and sums; written last
#
# The same packages and the same agent give the same bytes; with a filled cache no network is needed.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C TZ=UTC
umask 022
BASE=$(realpath "$1") AGENT=$(realpath "$2") OUT=$(realpath -m "$3")
CACHE=$(realpath -m "${CACHE:-$OUT/debs}")
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/ramdisk.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
mkdir -p "$OUT" "$CACHE/partial"
ROOT=$WORK/root PKG=$WORK/pkg
LIBDIR=usr/lib/x86_64-linux-gnu
say() { printf '== %s\n' "$*" >&2; }

cached() { compgen -G "$CACHE/${1}_*.deb" | sort | tail -1 || true; }
fetch() {
    local name deb
    for name in "$@"; do
        deb=$(cached "$name")
        if [ -z "$deb" ]; then
            say "download $name"
            (cd "$CACHE/partial" && apt-get -q -o APT::Sandbox::User=root download "$name" >"$WORK/apt.log" 2>&1) \
                || { cat "$WORK/apt.log" >&2; echo "cannot download $name" >&2; exit 1; }
            mv "$CACHE/partial/${name}"_*.deb "$CACHE/"
            deb=$(cached "$name")
        fi
        dpkg-deb -x "$deb" "$PKG"
        dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$WORK/packages"
    done
}

say "packages"
PYTHON=${PYTHON:-$(apt-cache depends python3-minimal | awk '/Depends: python3\.[0-9]+-minimal/ {sub(/-minimal/, "", $2); print $2; exit}')}
PYTHON=${PYTHON:-python3.11}
mkdir -p "$PKG" "$ROOT"
fetch "$PYTHON-minimal" "lib$PYTHON-minimal" "lib$PYTHON-stdlib" libc6 libssl3 zlib1g libexpat1 \
    libbz2-1.0 liblzma5 libffi8 libuuid1 busybox-static
PY=$PKG/usr/bin/$PYTHON
export PYTHONHOME=$PKG/usr PYTHONDONTWRITEBYTECODE=1
run_python() { "$PKG/lib64/ld-linux-x86-64.so.2" --library-path "$PKG/lib/x86_64-linux-gnu:$PKG/$LIBDIR" "$PY" "$@"; }

say "python"
mkdir -p "$ROOT/usr/lib/agent/cumulo/baremetal/ramdisk"
cp -r "$AGENT" "$ROOT/usr/lib/agent/cumulo/baremetal/ramdisk/agent"
find "$ROOT" -name __pycache__ -prune -exec rm -r {} +
for package in cumulo cumulo/baremetal cumulo/baremetal/ramdisk; do
    : >"$ROOT/usr/lib/agent/$package/__init__.py"
done
# Only the modules that the agent really imports, found by importing it.
PYTHONPATH=$ROOT/usr/lib/agent run_python -B - "$PKG/usr/lib/$PYTHON" >"$WORK/modules" <<'P'
import importlib, pkgutil, sys
import cumulo.baremetal.ramdisk.agent as agent
for each in pkgutil.iter_modules(agent.__path__):
    importlib.import_module(f"{agent.__name__}.{each.name}")
import encodings.ascii, encodings.idna, encodings.latin_1, encodings.utf_8, runpy  # noqa
import zlib, stringprep, _strptime  # noqa
root = sys.argv[1] + "/"
found = {getattr(m, "__file__", None) for m in list(sys.modules.values())}
for path in sorted(p for p in found if p and p.startswith(root)):
    print(path[len(root):])
P
while read -r path; do
    install -D -m644 "$PKG/usr/lib/$PYTHON/$path" "$ROOT/usr/lib/$PYTHON/$path"
done <"$WORK/modules"
install -D -m755 "$PY" "$ROOT/usr/bin/$PYTHON"
ln -s "$PYTHON" "$ROOT/usr/bin/python3"
mkdir -p "$ROOT/usr/lib/$PYTHON/lib-dynload"
add_needed() {
    local lib path
    for lib in $(objdump -p "$1" | awk '$1 == "NEEDED" {print $2}'); do
        [ -e "$ROOT/lib/x86_64-linux-gnu/$lib" ] && continue
        [ "$lib" = ld-linux-x86-64.so.2 ] && continue
        path=$(find "$PKG" -path "*/lib/x86_64-linux-gnu/$lib" -print -quit)
        [ -n "$path" ] || { echo "no library $lib" >&2; exit 1; }
        install -D -m755 "$(realpath "$path")" "$ROOT/lib/x86_64-linux-gnu/$lib"
        add_needed "$ROOT/lib/x86_64-linux-gnu/$lib"
    done
}
for program in "$ROOT/usr/bin/$PYTHON" "$ROOT/usr/lib/$PYTHON"/lib-dynload/*.so; do
    [ -e "$program" ] && add_needed "$program"
done
run_python -m compileall -q -b --invalidation-mode unchecked-hash -s "$ROOT" "$ROOT/usr/lib"
find "$ROOT/usr/lib" -name '*.py' -delete

say "files"
write() { mkdir -p "$(dirname "$ROOT$2")"; cat >"$ROOT$2"; chmod "$1" "$ROOT$2"; }
# Nobody logs in here unless the agent lets a rescuer in: the guest's known password is gone.
write 644 /etc/passwd <<'F'
root:x:0:0:root:/root:/bin/sh
rescue:x:0:0:rescue:/root:/bin/bash
nobody:x:65534:65534:nobody:/tmp:/bin/false
F
write 600 /etc/shadow <<'F'
root:*:19000:0:99999:7:::
rescue:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
F
echo deploy | write 644 /etc/hostname
write 755 /etc/init.d/rcS <<'F'
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mountpoint() { grep -q " $1 " /proc/mounts; }
[ -e /proc/mounts ] || mount -t proc proc /proc
mountpoint /sys || mount -t sysfs sys /sys
mountpoint /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mountpoint /run || mount -t tmpfs -o mode=755 run /run
hostname -F /etc/hostname
ip link set lo up
for m in virtio_pci virtio_mmio virtio_blk virtio_net virtio_scsi sd_mod ahci ata_piix nvme e1000 e1000e; do
    modprobe -q $m
done
uevent /sbin/on-uevent >/dev/null 2>&1 &
for nic in /sys/class/net/eth*; do [ -e "$nic" ] && net-up "${nic##*/}" & done
modprobe -q virtio-rng; modprobe -q button; modprobe -q evdev
acpid -l /dev/null
exit 0
F
write 755 /sbin/agent <<'F'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=/usr/lib/agent
i=0
until ls /run/lease-* >/dev/null 2>&1 || [ $i -ge 240 ]; do usleep 250000; i=$((i + 1)); done
python3 -s -m cumulo.baremetal.ramdisk.agent.main >/dev/console 2>&1
sleep 5
F
write 644 /etc/inittab <<'F'
::sysinit:/etc/init.d/rcS
::respawn:/sbin/agent
::ctrlaltdel:/bin/reboot
::shutdown:/bin/umount -a -r
F

say "ramdisk"
find "$ROOT" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$ROOT" && find . -print0 | sort -z | cpio --quiet -0 -o -H newc --reproducible -R 0:0) | gzip -9n >"$WORK/over.gz"
# Each part begins at four bytes, as the kernel wants it.
{ cat "$BASE/ramdisk.img"; head -c $(((4 - $(stat -c %s "$BASE/ramdisk.img") % 4) % 4)) /dev/zero; cat "$WORK/over.gz"; } >"$OUT/ramdisk.img"
cp "$BASE/vmlinuz" "$OUT/vmlinuz"
{ sort -u "$WORK/packages"; echo; (cd "$OUT" && sha256sum vmlinuz ramdisk.img); } >"$OUT/manifest.txt"
say "done"
