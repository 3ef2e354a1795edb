#!/usr/bin/env bash
# Builds Cumulo's small bootable guest image from Debian packages alone.
#
#   build.sh OUTPUT_DIR            (CACHE=DIR: where the .deb files are kept)
#
# writes, into OUTPUT_DIR:
#   guest.qcow2   bootable disk: BIOS (syslinux) and UEFI (systemd-boot), MBR, FAT + ext4
#   vmlinuz       the kernel, for direct kernel boot, PXE or an AMI-style three-part image
#   initrd.img    its initramfs (finds LABEL=rootfs, grows the partition, switches root)
#   ramdisk.img   the whole root file system as one initramfs (rescue or deploy ramdisk)
#   manifest.txt  package versions and file sizes; written last
#
# The guest: busybox init; DHCP and SLAAC on every NIC, hotplugged ones too; config drive
# or the metadata service at 169.254.169.254 (hostname, ssh keys, password, user-data:
# a script or #cloud-config); dropbear; logins on ttyS0 and tty1; root file system grown to the disk;
# ACPI power button; ext4, vfat, NFS, virtiofs; curl, lsblk, nc as test suites use them;
# the QEMU guest agent.
#
# Runs as root, or as any user where `unshare -r` works. The host needs the packages listed
# in builder.py. The same package versions give the same bytes; with a filled cache no
# network is needed.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin  # where users do not look
export LC_ALL=C TZ=UTC
umask 022

HERE=$(dirname "$(realpath "$0")")
OUT=$(realpath -m "$1")
CACHE=$(realpath -m "${CACHE:-$OUT/debs}")
GUEST_USER=${GUEST_USER:-cumulo}
GUEST_PASSWORD=${GUEST_PASSWORD:-cumulo}
GUEST_AGENT=${GUEST_AGENT:-1}                 # 1: include qemu-ga
BOOT_MB=${BOOT_MB:-20}
ROOT_MB=${ROOT_MB:-64}
KERNEL_META=${KERNEL_META:-linux-image-cloud-amd64}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
KERNEL_ARGS="root=LABEL=rootfs console=tty1 console=ttyS0 loglevel=4 panic=10 \
mitigations=off nowatchdog tsc=reliable no_timer_check random.trust_cpu=on"

if [ "$(id -u)" != 0 ]; then
    exec unshare -r -- "$0" "$@"
fi

WORK=$(mktemp -d "${TMPDIR:-/tmp}/guest-image.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
mkdir -p "$OUT" "$CACHE"
ROOT=$WORK/root INITRD=$WORK/initrd PKG=$WORK/pkg

say() { printf '== %s\n' "$*" >&2; }

# --- packages ---------------------------------------------------------------------------

# Prints the cached file of a package, nothing when it is not there.
cached() { compgen -G "$CACHE/${1}_*.deb" | sort | tail -1 || true; }

# Downloads the named packages once into $CACHE, and unpacks each into $PKG/NAME.
fetch_packages() {
    local name deb
    mkdir -p "$CACHE/partial"
    for name in "$@"; do
        deb=$(cached "$name")
        if [ -z "$deb" ]; then
            say "download $name"
            (cd "$CACHE/partial" && apt-get -q -o APT::Sandbox::User=root download "$name" >"$WORK/apt.log" 2>&1) \
                || { cat "$WORK/apt.log" >&2; echo "cannot download $name" >&2; exit 1; }
            mv "$CACHE/partial/${name}"_*.deb "$CACHE/"
            deb=$(cached "$name")
        fi
        mkdir -p "$PKG/$name"
        dpkg-deb -x "$deb" "$PKG/$name"
        dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$WORK/packages"
    done
}

say "packages"
# A kernel that the cache already has is good enough; its name carries its version.
if [ -z "${KERNEL_PKG:-}" ]; then
    KERNEL_PKG=$(compgen -G "$CACHE/linux-image-*.deb" | sort -V | tail -1 || true)
    KERNEL_PKG=${KERNEL_PKG##*/} KERNEL_PKG=${KERNEL_PKG%%_*}
fi
if [ -z "$KERNEL_PKG" ]; then
    KERNEL_PKG=$(apt-cache depends "$KERNEL_META" | awk '/Depends: linux-image/ {print $2; exit}')
fi
[ -n "$KERNEL_PKG" ] || { echo "no $KERNEL_META in the package lists: apt-get update" >&2; exit 1; }
fetch_packages "$KERNEL_PKG" busybox-static dropbear-bin e2fsprogs util-linux dosfstools \
    libc6 libcrypt1 libtomcrypt1 libtommath1 libgmp10 zlib1g \
    libext2fs2 libcom-err2 libss2 libblkid1 libuuid1 \
    libmount1 libsmartcols1 libselinux1 libpcre2-8-0 libudev1 libcap2 \
    netcat-openbsd libbsd0 libmd0 bash libtinfo6 \
    curl libcurl4 libnghttp2-14 libidn2-0 libunistring2 librtmp1 libssh2-1 libpsl5 libssl3 \
    libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1 libldap-2.5-0 \
    libsasl2-2 libzstd1 libbrotli1 libgnutls30 libhogweed6 libnettle8 libp11-kit0 libtasn1-6 \
    libffi8
[ "$GUEST_AGENT" = 1 ] && fetch_packages qemu-guest-agent libglib2.0-0 libnuma1 liburing2

KVER=$(ls "$PKG/$KERNEL_PKG/lib/modules")
KMODS=$PKG/$KERNEL_PKG/lib/modules/$KVER
VMLINUZ=$PKG/$KERNEL_PKG/boot/vmlinuz-$KVER
depmod -b "$PKG/$KERNEL_PKG" "$KVER"

# --- modules ----------------------------------------------------------------------------

# Prints the .ko paths (relative to lib/modules/VERSION) that the named modules need, in
# load order, without those built in or absent from this kernel.
module_closure() {
    local name
    for name in "$@"; do
        modprobe -d "$PKG/$KERNEL_PKG" -S "$KVER" --show-depends "$name" 2>/dev/null || true
    done | awk '$1 == "insmod" {sub(/.*\/kernel\//, "kernel/", $2); if (!seen[$2]++) print $2}'
}

BOOT_MODULES="virtio_pci virtio_mmio virtio_blk virtio_scsi sd_mod ahci ata_piix sr_mod \
    virtio_net isofs vfat nls_cp437 nls_ascii"
LATE_MODULES="virtio_console virtio_balloon virtio-rng button evdev qemu_fw_cfg"
EXTRA_MODULES="nfs nfsv3 nfsv4 virtiofs fuse 9p 9pnet_virtio loop overlay 8021q dummy veth \
    e1000 e1000e pvpanic pvpanic-pci ipmi_si ipmi_devintf squashfs"

# --- root file system -------------------------------------------------------------------

say "root file system"
mkdir -p "$ROOT"/{bin,sbin,dev,proc,sys,run,tmp,mnt,root,home,etc/{dropbear,init.d},var/{log,lib/cloud},usr/{bin,sbin},lib/x86_64-linux-gnu,lib64}
chmod 1777 "$ROOT/tmp"; chmod 700 "$ROOT/root"
ln -s /run "$ROOT/var/run"
install -m755 "$PKG/busybox-static/bin/busybox" "$ROOT/bin/busybox"
for applet in $("$ROOT/bin/busybox" --list); do
    case $applet in busybox|dpkg|dpkg-deb|rpm|rpm2cpio) continue ;; esac
    ln -sf /bin/busybox "$ROOT/bin/$applet"
done
ln -s /bin/busybox "$ROOT/sbin/init"
ln -s /bin/busybox "$ROOT/sbin/modprobe"

LIBDIR=$ROOT/lib/x86_64-linux-gnu
# Copies a shared library found in any unpacked package, under its soname.
add_library() {
    local path
    path=$(find "$PKG" \( -path '*/lib/x86_64-linux-gnu/'"$1" \) -print -quit)
    [ -n "$path" ] || { echo "no library $1" >&2; exit 1; }
    install -m755 "$(realpath "$path")" "$LIBDIR/$1"
}
# Copies a program and, recursively, the libraries it needs.
add_program() {
    local source=$1 target=$2
    install -D -m755 "$source" "$ROOT$target"
    add_needed "$ROOT$target"
}
add_needed() {
    local lib
    for lib in $(objdump -p "$1" | awk '$1 == "NEEDED" {print $2}'); do
        [ "$lib" = ld-linux-x86-64.so.2 ] && continue
        [ -e "$LIBDIR/$lib" ] && continue
        add_library "$lib"
        add_needed "$LIBDIR/$lib"
    done
}
install -m755 "$(realpath "$PKG/libc6/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")" \
    "$ROOT/lib64/ld-linux-x86-64.so.2"
add_program "$PKG/dropbear-bin/usr/sbin/dropbear" /usr/sbin/dropbear
add_program "$PKG/dropbear-bin/usr/bin/dropbearkey" /usr/bin/dropbearkey
add_program "$PKG/dropbear-bin/usr/bin/dbclient" /usr/bin/ssh
rm "$ROOT/bin/mke2fs"
add_program "$PKG/e2fsprogs/sbin/mke2fs" /sbin/mke2fs
add_program "$PKG/e2fsprogs/sbin/resize2fs" /sbin/resize2fs
for type in ext2 ext3 ext4; do ln -s mke2fs "$ROOT/sbin/mkfs.$type"; done
install -m644 "$PKG/e2fsprogs/etc/mke2fs.conf" "$ROOT/etc/mke2fs.conf"
add_program "$PKG/util-linux/sbin/blkid" /sbin/blkid
add_program "$PKG/util-linux/bin/lsblk" /usr/bin/lsblk
add_program "$PKG/dosfstools/sbin/mkfs.fat" /sbin/mkfs.fat
ln -s mkfs.fat "$ROOT/sbin/mkfs.vfat"
add_program "$PKG/curl/usr/bin/curl" /usr/bin/curl
rm "$ROOT/bin/nc"
# Debian's static busybox runs its own applets before anything in PATH, so its shell would never
# find our nc: people and suites get bash, which also has what scripts expect of a cloud image.
add_program "$PKG/bash/bin/bash" /bin/bash
add_program "$PKG/netcat-openbsd/bin/nc.openbsd" /usr/bin/nc.openbsd
[ "$GUEST_AGENT" = 1 ] && add_program "$PKG/qemu-guest-agent/usr/sbin/qemu-ga" /usr/sbin/qemu-ga

for module in $(module_closure $BOOT_MODULES $LATE_MODULES $EXTRA_MODULES); do
    install -D -m644 "$KMODS/$module" "$ROOT/lib/modules/$KVER/$module"
done
cp "$KMODS"/modules.{order,builtin,builtin.modinfo} "$ROOT/lib/modules/$KVER/"
depmod -b "$ROOT" "$KVER"
rm -f "$ROOT/lib/modules/$KVER"/*.bin "$ROOT/lib/modules/$KVER"/modules.{order,builtin.modinfo}
echo "$LATE_MODULES" | xargs -n1 >"$ROOT/etc/modules"

write() { # write MODE PATH: standard input becomes that file of the guest
    mkdir -p "$(dirname "$ROOT$2")"; cat >"$ROOT$2"; chmod "$1" "$ROOT$2"
}

HASH=$(openssl passwd -6 -salt cumuloguest "$GUEST_PASSWORD")
write 644 /etc/passwd <<E
root:x:0:0:root:/root:/bin/sh
$GUEST_USER:x:0:0:cloud user:/home/$GUEST_USER:/bin/bash
nobody:x:65534:65534:nobody:/tmp:/bin/false
E
write 600 /etc/shadow <<E
root:*:19000:0:99999:7:::
$GUEST_USER:$HASH:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
E
printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' | write 644 /etc/group
printf '/bin/sh\n/bin/bash\n' | write 644 /etc/shells
mkdir -p "$ROOT/home/$GUEST_USER/.ssh"
chmod 700 "$ROOT/home/$GUEST_USER" "$ROOT/home/$GUEST_USER/.ssh"
echo cumulo | write 644 /etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n' | write 644 /etc/hosts
printf 'hosts: files dns\n' | write 644 /etc/nsswitch.conf
printf 'login as "%s", password "%s"; or with your ssh key.\n\n' "$GUEST_USER" "$GUEST_PASSWORD" \
    | write 644 /etc/issue
write 644 /etc/profile <<'E'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PS1='$ '
E
write 644 /etc/os-release <<'E'
NAME="Cumulo guest"
ID=cumulo-guest
PRETTY_NAME="Cumulo guest (Debian packages, busybox)"
E

# The guest user has uid 0 under its own name, so sudo has nothing to raise.
write 755 /usr/bin/sudo <<'E'
#!/bin/sh
while :; do
    case $1 in
        -u|-g|-C|-p) shift 2 ;;
        --) shift; break ;;
        -*) shift ;;
        *=*) export "$1"; shift ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || exit 0
exec "$@"
E

# OpenBSD's nc with the one option that it lacks, -e PROGRAM ARGUMENTS... (must be last):
# one connection (or datagram) after the other is answered by a fresh run of the program.
write 755 /usr/bin/nc <<'E'
#!/bin/sh
case " $* " in *" -e "*) ;; *) exec nc.openbsd "$@" ;; esac
keep=0 udp= options=
while [ "$1" != -e ]; do
    case $1 in
    -*[0-9]*) options="$options $1" ;;
    -*) case $1 in *k*) keep=1 ;; esac
        case $1 in *u*) udp=1 ;; esac
        rest=$(echo "$1" | tr -d k); [ "$rest" = - ] || options="$options $rest" ;;
    *) options="$options $1" ;;
    esac
    shift
done
shift
pipe=/tmp/nc.$$
trap 'rm -f $pipe' EXIT
trap 'exit 143' INT TERM
while :; do
    rm -f $pipe; mkfifo $pipe
    "$@" <$pipe | nc.openbsd $options ${udp:+-W 1 -q 1} -N >$pipe
    [ $keep = 1 ] || break
done
E

# mkfs -t TYPE, and a mount program that gives the kernel's NFS client the address it wants.
write 755 /sbin/mkfs <<'E'
#!/bin/sh
type=ext4
[ "$1" = -t ] && { type=$2; shift 2; }
exec "mkfs.$type" "$@"
E
write 755 /sbin/mount.nfs <<'E'
#!/bin/sh
# mount.nfs SERVER:/PATH DIR [-o OPTIONS]
src=$1 dir=$2 opts=; shift 2
while [ $# -gt 0 ]; do case $1 in -o) opts=$2; shift 2 ;; *) shift ;; esac; done
host=${src%%:/*}
case $host in \[*\]) addr=${host#[}; addr=${addr%]} ;; *[!0-9.]*) addr=$(getent hosts "$host" 2>/dev/null | awk '{print $1; exit}')
    [ -n "$addr" ] || addr=$(nslookup "$host" | awk '/^Address/ {a=$NF} END {print a}') ;; *) addr=$host ;; esac
case $0 in *nfs4) opts="vers=4.1${opts:+,$opts}" ;; esac
case ,$opts, in *,vers=*|*,nfsvers=*) ;; *) opts="vers=4.1${opts:+,$opts}" ;; esac
case ,$opts, in *,vers=3,*|*,nfsvers=3,*) opts="$opts,nolock,proto=tcp,mountproto=tcp" ;; esac
exec /bin/busybox mount -i -t nfs -o "$opts,addr=$addr" "$src" "$dir"
E
ln -s mount.nfs "$ROOT/sbin/mount.nfs4"

write 755 /etc/udhcpc/default.script <<'E'
#!/bin/sh
# udhcpc calls this with the lease in its environment.
case $1 in
deconfig)
    ip -4 addr flush dev "$interface"
    ip link set "$interface" up ;;
bound|renew)
    [ -n "$mtu" ] && [ "$mtu" -ge 576 ] && ip link set "$interface" mtu "$mtu"
    ip -4 addr show dev "$interface" | grep -q "inet $ip/$mask " || {
        ip -4 addr flush dev "$interface"
        ip addr add "$ip/$mask" broadcast + dev "$interface"; }
    n=${interface##*[a-z]}; metric=$((100 + ${n:-0}))
    ip -4 route show default dev "$interface" 2>/dev/null | grep -q "via ${router%% *} " || {
    # Not "flush … proto static": busybox then also flushes the route to the subnet itself.
    while ip -4 route del default dev "$interface" 2>/dev/null; do :; done
    if [ -n "$staticroutes" ]; then          # option 121 stands in for option 3
        set -- $staticroutes
        while [ $# -ge 2 ]; do
            if [ "$2" = 0.0.0.0 ]; then ip route replace "$1" dev "$interface" metric $metric proto static
            else ip route replace "$1" via "$2" dev "$interface" metric $metric proto static 2>/dev/null ||
                 ip route replace "$1" via "$2" dev "$interface" onlink metric $metric proto static; fi
            shift 2
        done
    else
        for gw in $router; do ip route replace default via "$gw" dev "$interface" metric $metric proto static; done
    fi; }
    if [ -n "$dns" ]; then
        { [ -n "$search$domain" ] && echo "search ${search:-$domain}"
          for server in $dns; do echo "nameserver $server"; done; } >/etc/resolv.conf.new
        mv /etc/resolv.conf.new /etc/resolv.conf
    fi
    [ -n "$hostname" ] && echo "$hostname" >/run/dhcp-hostname
    echo "$interface $ip" >"/run/lease-$interface" ;;
esac
exit 0
E

write 755 /sbin/net-up <<'E'
#!/bin/sh
# net-up IFACE: link up, SLAAC by the kernel, DHCP in the background.
ip link set "$1" up
[ -e "/run/udhcpc.$1.pid" ] && kill -0 "$(cat /run/udhcpc.$1.pid)" 2>/dev/null && exit 0
exec udhcpc -i "$1" -b -S -t 20 -T 1 -A 5 -O staticroutes -O mtu -O search \
    -x "hostname:$(hostname)" -p "/run/udhcpc.$1.pid" >/dev/null 2>&1
E

# Hotplug: `uevent` runs this for each kernel event.
write 755 /sbin/on-uevent <<'E'
#!/bin/sh
case $ACTION:$SUBSYSTEM in
add:net) case $INTERFACE in eth*|en*) net-up "$INTERFACE" ;; esac ;;
remove:net) [ -e "/run/udhcpc.$INTERFACE.pid" ] && kill "$(cat /run/udhcpc.$INTERFACE.pid)" ;;
add:*) [ -n "$MODALIAS" ] && modprobe -q "$MODALIAS" ;;
esac
exit 0
E

# Flattens JSON into PATH=VALUE lines: networks.0.type=ipv4, public_keys.name=ssh-rsa ...
write 755 /usr/bin/json-flat <<'E'
#!/bin/sh
exec awk '
function skip() { while (substr(s, p, 1) ~ /[ \t\r\n]/) p++ }
function str(   out, c) {
    p++; out = ""
    while ((c = substr(s, p, 1)) != "\"" && p <= n) {
        if (c == "\\") { p++; c = substr(s, p, 1)
            if (c == "n") c = "\\n"; else if (c == "t") c = "\t"; else if (c == "r") c = ""
            else if (c == "u") { c = sprintf("%c", hex(substr(s, p + 1, 4))); p += 4 } }
        out = out c; p++
    }
    p++; return out
}
function hex(h,   i, v) { v = 0; for (i = 1; i <= length(h); i++)
    v = v * 16 + index("0123456789abcdef", tolower(substr(h, i, 1))) - 1; return v }
function value(path,   c, i, k, start) {
    skip(); c = substr(s, p, 1)
    if (c == "{") { p++; skip()
        while (substr(s, p, 1) != "}" && p <= n) { skip(); k = str(); skip(); p++
            value(path == "" ? k : path "." k); skip(); if (substr(s, p, 1) == ",") p++; skip() }
        p++ }
    else if (c == "[") { p++; i = 0; skip()
        while (substr(s, p, 1) != "]" && p <= n) { value(path "." i++); skip()
            if (substr(s, p, 1) == ",") p++; skip() }
        p++ }
    else if (c == "\"") print path "=" str()
    else { start = p; while (substr(s, p, 1) ~ /[-+.0-9a-zA-Z]/) p++
        if (p == start) { p = n + 1; return } print path "=" substr(s, start, p - start) }
}
{ s = s $0 "\n" }
END { n = length(s); p = 1; value("") }' "$@"
E

install -m755 "$HERE/yaml-flat" "$ROOT/usr/bin/yaml-flat"
install -m755 "$HERE/cloud-config" "$ROOT/usr/sbin/cloud-config"

write 755 /sbin/cloud-boot <<E
#!/bin/sh
GUEST_USER=$GUEST_USER
E
cat >>"$ROOT/sbin/cloud-boot" <<'E'
# Finds this instance's data (config drive, then the metadata service) and applies it once
# per instance.
state=/var/lib/cloud
data=/run/cloud
mkdir -p $data $state
log() { echo "cloud-boot: $* ($(cut -d' ' -f1 /proc/uptime)s)" >/dev/console; }

from_config_drive() {
    dev=$(findfs LABEL=config-2 2>/dev/null || findfs LABEL=CONFIG-2 2>/dev/null) || return 1
    mkdir -p /mnt/config
    mount -t iso9660 -o ro "$dev" /mnt/config 2>/dev/null || mount -o ro "$dev" /mnt/config || return 1
    cp /mnt/config/openstack/latest/* $data/ 2>/dev/null
    umount /mnt/config
    [ -s $data/meta_data.json ]
}
from_metadata_service() {
    url=http://169.254.169.254/openstack/latest
    i=0
    until ls /run/lease-* >/dev/null 2>&1 || [ $i -ge 60 ]; do sleep 0.5; i=$((i + 1)); done
    for i in 1 2 3 4 5 6 7 8 9 10; do
        timeout 10 wget -q -O $data/meta_data.json $url/meta_data.json && break
        sleep 1
    done
    [ -s $data/meta_data.json ] || return 1
    for name in user_data vendor_data.json; do
        timeout 10 wget -q -O $data/$name $url/$name 2>/dev/null || rm -f $data/$name
    done
}
static_network() { # network_data.json of a config drive: addresses that DHCP will not give
    [ -s $data/network_data.json ] || return 0
    json-flat $data/network_data.json >$data/network
    get() { sed -n "s/^$1=//p" $data/network | head -1; }
    n=0
    while type=$(get "networks\.$n\.type"); [ -n "$type" ]; do
        link=$(get "networks\.$n\.link") m=0 dev=
        while id=$(get "links\.$m\.id"); [ -n "$id" ]; do
            [ "$id" = "$link" ] && mac=$(get "links\.$m\.ethernet_mac_address") &&
                dev=$(grep -il "^$mac" /sys/class/net/*/address | head -1 | cut -d/ -f5)
            m=$((m + 1))
        done
        case $type in ipv4|ipv6) if [ -n "$dev" ]; then
            [ -e /run/udhcpc.$dev.pid ] && [ $type = ipv4 ] && kill "$(cat /run/udhcpc.$dev.pid)"
            ip link set "$dev" up
            addr=$(get "networks\.$n\.ip_address") mask=$(get "networks\.$n\.netmask")
            case $addr in
                */*) ;;
                *:*) addr=$addr/64 ;;
                *) addr=$addr/$(ipcalc -p 0.0.0.0 "$mask" | cut -d= -f2) ;;
            esac
            ip addr add "$addr" dev "$dev"
            r=0
            while gw=$(get "networks\.$n\.routes\.$r\.gateway"); [ -n "$gw" ]; do
                net=$(get "networks\.$n\.routes\.$r\.network") rmask=$(get "networks\.$n\.routes\.$r\.netmask")
                case $net in
                    0.0.0.0|::) net=default ;;
                    *:*) net=$net/64 ;;
                    *) net=$net/$(ipcalc -p 0.0.0.0 "$rmask" | cut -d= -f2) ;;
                esac
                ip route replace "$net" via "$gw" dev "$dev"
                r=$((r + 1))
            done
        fi ;; esac
        n=$((n + 1))
    done
    sed -n 's/^services\..*\.address=/nameserver /p' $data/network | sort -u >$data/resolv
    [ -s $data/resolv ] && cp $data/resolv /etc/resolv.conf
}

source=none
if from_config_drive; then source=config-drive; static_network
elif from_metadata_service; then source=metadata-service; fi
log "source $source"
echo $source >/run/cloud-source
if [ $source = none ]; then echo done >/run/cloud-boot.done; log finished; exit 0; fi

json-flat $data/meta_data.json >$data/meta
value() { sed -n "s/^$1=//p" $data/meta | head -1; }
name=$(value hostname); name=${name:-$(value name)}
if [ -n "$name" ]; then
    hostname "${name%%.*}"; echo "${name%%.*}" >/etc/hostname
    printf '127.0.0.1 localhost\n127.0.1.1 %s %s\n::1 localhost\n' "$name" "${name%%.*}" >/etc/hosts
fi
sed -n 's/^public_keys\.[^=]*=//p' $data/meta | sed 's/\\n$//' >/home/$GUEST_USER/.ssh/authorized_keys
chmod 600 /home/$GUEST_USER/.ssh/authorized_keys
mkdir -p /root/.ssh; cp /home/$GUEST_USER/.ssh/authorized_keys /root/.ssh/

id=$(value uuid)
if [ "$(cat $state/instance-id 2>/dev/null)" != "$id" ]; then
    echo "$id" >$state/instance-id
    password=$(value admin_pass)
    [ -n "$password" ] && echo "$GUEST_USER:$password" | chpasswd
    if [ -s $data/user_data ]; then
        cp $data/user_data $state/user-data
        [ "$(head -c 2 $state/user-data | xxd -p)" = 1f8b ] && zcat <$state/user-data >$state/u && mv $state/u $state/user-data
        case $(head -n 1 $state/user-data) in
        '#!'*) chmod 700 $state/user-data
            log "running user-data"
            $state/user-data >/var/log/user-data.log 2>&1; rc=$?
            cat /var/log/user-data.log >/dev/console; log "user-data exited $rc" ;;
        '#cloud-config'*)
            USER_NAME=$GUEST_USER cloud-config $state/user-data >/var/log/user-data.log 2>&1; rc=$?
            cat /var/log/user-data.log >/dev/console; log "cloud-config exited $rc" ;;
        *) log "user-data left out: neither a script (#!) nor #cloud-config: $(head -c 40 $state/user-data | head -n 1 | tr -dc ' -~')" ;;
        esac
    fi
fi
echo done >/run/cloud-boot.done
log finished
E

write 755 /etc/init.d/rcS <<'E'
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mountpoint() { grep -q " $1 " /proc/mounts; }
[ -e /proc/mounts ] || mount -t proc proc /proc
mountpoint /sys || mount -t sysfs sys /sys
mountpoint /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmp /dev/shm
mountpoint /run || mount -t tmpfs -o mode=755 run /run
hostname -F /etc/hostname
ip link set lo up
# Two NICs on one subnet: each answers ARP for its own address only.
echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
insmod_all() { for m in "$@"; do modprobe -q $m; done; }
[ -e /sys/bus/virtio ] || insmod_all virtio_pci virtio_mmio virtio_blk virtio_net virtio_scsi sd_mod sr_mod ata_piix
uevent /sbin/on-uevent >/dev/null 2>&1 &
for nic in /sys/class/net/eth*; do [ -e "$nic" ] && net-up "${nic##*/}" & done
insmod_all $(cat /etc/modules)
syslogd -O /var/log/messages; klogd -c 4
acpid -l /dev/null
dropbear -R -E -p 22 >/dev/null 2>&1
port=/dev/virtio-ports/org.qemu.guest_agent.0
for dir in /sys/class/virtio-ports/*; do
    [ -e "$dir/name" ] && [ "$(cat $dir/name)" = org.qemu.guest_agent.0 ] && {
        mkdir -p /dev/virtio-ports; ln -sf "../${dir##*/}" $port; }
done
[ -e $port ] && [ -x /usr/sbin/qemu-ga ] && qemu-ga -d -m virtio-serial -p $port -t /run -f /run/qemu-ga.pid
[ -e /run/root-grown ] && resize2fs "$(cat /run/root-grown)" >/dev/null 2>&1 &
cloud-boot &
exit 0
E
write 644 /etc/inittab <<'E'
::sysinit:/etc/init.d/rcS
ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100
tty1::respawn:/bin/getty -L 38400 tty1 linux
::ctrlaltdel:/bin/reboot
::shutdown:/bin/umount -a -r
E
mkdir -p "$ROOT/etc/acpi/PWRF"
write 755 /etc/acpi/PWRF/00000080 <<'E'
#!/bin/sh
exec poweroff
E
ln -sf /proc/mounts "$ROOT/etc/mtab"
# The guest agent sets passwords through chpasswd: USER:PASSWORD lines, -e when hashed.
write 755 /sbin/chpasswd <<'E'
#!/bin/sh
while IFS=: read -r user password; do
    if [ "$1" = -e ]; then hash=$password; else hash=$(mkpasswd -m sha512 "$password"); fi
    awk -F: -v OFS=: -v u="$user" -v h="$hash" '$1 == u {$2 = h} {print}' /etc/shadow >/etc/shadow.new
    chmod 600 /etc/shadow.new; mv /etc/shadow.new /etc/shadow
done
E
# `shutdown -h now` and friends, for the guest agent and for people.
write 755 /sbin/shutdown <<'E'
#!/bin/sh
case " $* " in *" -r "*) exec reboot ;; *) exec poweroff ;; esac
E

# --- initramfs --------------------------------------------------------------------------

say "initramfs"
mkdir -p "$INITRD"/{bin,dev,proc,sys,run,newroot,modules}
install -m755 "$ROOT/bin/busybox" "$INITRD/bin/busybox"
n=10
for module in $(module_closure $BOOT_MODULES); do
    install -m644 "$KMODS/$module" "$INITRD/modules/$n-$(basename "$module")"
    n=$((n + 1))
done
cat >"$INITRD/init" <<'E'
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t tmpfs -o mode=755 run /run
for module in /modules/*.ko; do $bb insmod $module 2>/dev/null; done
root= init=/sbin/init
for word in $($bb cat /proc/cmdline); do
    case $word in root=*) root=${word#root=} ;; init=*) init=${word#init=} ;; esac
done
resolve() {
    case $root in LABEL=*|UUID=*) $bb findfs "$root" 2>/dev/null ;; /dev/*) [ -b "$root" ] && echo "$root" ;; esac
}
tries=0
until dev=$(resolve) && [ -n "$dev" ]; do
    tries=$((tries + 1))
    if [ $tries -ge 300 ]; then
        echo "initramfs: no root file system ($root)"; exec $bb sh
    fi
    $bb usleep 100000
done
# The root partition is the image's last one: extend it in the MBR while nothing is mounted.
name=${dev##*/}
if [ -e /sys/class/block/$name/partition ]; then
    read part </sys/class/block/$name/partition
    read start </sys/class/block/$name/start
    read size </sys/class/block/$name/size
    disk=$($bb readlink -f /sys/class/block/$name/..); disk=${disk##*/}
    read end </sys/class/block/$disk/size
    # Up to what comes next: a bare machine has its config drive behind it.
    for other in /sys/class/block/$disk/$disk*/start; do
        read next <$other
        [ $next -gt $start ] && [ $next -lt $end ] && end=$next
    done
    if [ $((end - start)) -gt $((size + 2048)) ] && [ $((end - start)) -lt 4294967296 ]; then
        size=$((end - start))
        $bb printf "$($bb printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((size & 255)) \
            $((size >> 8 & 255)) $((size >> 16 & 255)) $((size >> 24 & 255)))" |
            $bb dd of=/dev/$disk bs=1 seek=$((446 + 16 * (part - 1) + 12)) conv=notrunc 2>/dev/null
        $bb blockdev --rereadpt /dev/$disk
        tries=0
        until [ -b "$dev" ] || [ $tries -ge 50 ]; do $bb usleep 20000; tries=$((tries + 1)); done
        echo "$dev" >/run/root-grown
    fi
fi
$bb mount -t ext4 -o noatime "$dev" /newroot || exec $bb sh
for dir in dev proc sys run; do $bb mount --move /$dir /newroot/$dir; done
exec $bb switch_root /newroot $init
E
chmod 755 "$INITRD/init"

# Packs a tree as a reproducible gzipped cpio.
pack() {
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$1" && find . -print0 | sort -z | cpio --quiet -0 -o -H newc --reproducible -R 0:0) | gzip -9n >"$2"
}
pack "$INITRD" "$OUT/initrd.img"
cp "$VMLINUZ" "$OUT/vmlinuz"
ln -s /sbin/init "$ROOT/init"
pack "$ROOT" "$OUT/ramdisk.img"
rm "$ROOT/init"

# --- disk -------------------------------------------------------------------------------

say "disk"
BOOT=$WORK/boot.fat DISK=$WORK/disk.raw ROOTFS=$WORK/root.ext4
START_BOOT=2048
START_ROOT=$((START_BOOT + BOOT_MB * 2048))
truncate -s "${BOOT_MB}M" "$BOOT"
mkfs.vfat --invariant -F 16 -n BOOT -h $START_BOOT "$BOOT" >/dev/null
cat >"$WORK/syslinux.cfg" <<E
SERIAL 0 115200
DEFAULT guest
PROMPT 0
TIMEOUT 0
LABEL guest
  LINUX /vmlinuz
  INITRD /initrd.img
  APPEND $KERNEL_ARGS
E
printf 'timeout 0\ndefault guest.conf\n' >"$WORK/loader.conf"
printf 'title guest\nlinux /vmlinuz\ninitrd /initrd.img\noptions %s\n' "$KERNEL_ARGS" >"$WORK/guest.conf"
cp "$OUT/vmlinuz" "$OUT/initrd.img" "$WORK/"
EFI=$(find /usr/lib/systemd/boot/efi -name systemd-bootx64.efi)
touch -d "@$SOURCE_DATE_EPOCH" "$WORK"/{syslinux.cfg,loader.conf,guest.conf,vmlinuz,initrd.img}
mmd -i "$BOOT" ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries
mcopy -m -i "$BOOT" "$WORK/vmlinuz" "$WORK/initrd.img" "$WORK/syslinux.cfg" ::/
mcopy -m -i "$BOOT" "$EFI" ::/EFI/BOOT/BOOTX64.EFI
mcopy -m -i "$BOOT" "$WORK/loader.conf" ::/loader/loader.conf
mcopy -m -i "$BOOT" "$WORK/guest.conf" ::/loader/entries/guest.conf
syslinux --install "$BOOT"

truncate -s "${ROOT_MB}M" "$ROOTFS"
find "$ROOT" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -d "$ROOT" -L rootfs -m 0 -b 1024 \
    -I 256 -J size=2 -O ^metadata_csum_seed,^orphan_file -U 6b1e1c1e-0000-4000-8000-0000000000c5 \
    -E "hash_seed=6b1e1c1e-0000-4000-8000-0000000000c5,lazy_itable_init=0,resize=64G,root_owner=0:0" \
    "$ROOTFS" 2>/dev/null
# mke2fs -d copies the build's change times: make them the same in every build.
(cd "$ROOT" && find . | sed 's/^\.//; s/^$/\//') | sort | while read -r path; do
    for field in atime ctime crtime; do
        echo "set_inode_field \"$path\" $field @$SOURCE_DATE_EPOCH"
        echo "set_inode_field \"$path\" ${field}_extra 0"
    done
done >"$WORK/times"
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH debugfs -w -f "$WORK/times" "$ROOTFS" >/dev/null 2>"$WORK/times.log"
grep -v '^debugfs ' "$WORK/times.log" >&2 || true

truncate -s $(((START_ROOT + ROOT_MB * 2048) * 512)) "$DISK"
MBR=$(find /usr/lib/syslinux -name mbr.bin | head -1)
dd if="$MBR" of="$DISK" conv=notrunc status=none
le32() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
chs='\xfe\xff\xff'
entry() { printf "\\x$1$chs\\x$2$chs$(le32 "$3")$(le32 "$4")"; }      # flag type start size
{ printf "$(le32 0x6b1e1cc5)\\x00\\x00"
  entry 80 ef $START_BOOT $((BOOT_MB * 2048))
  entry 00 83 $START_ROOT $((ROOT_MB * 2048)); } | dd of="$DISK" bs=1 seek=440 conv=notrunc status=none
printf '\x55\xaa' | dd of="$DISK" bs=1 seek=510 conv=notrunc status=none
dd if="$BOOT" of="$DISK" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$ROOTFS" of="$DISK" bs=1M seek=$((1 + BOOT_MB)) conv=notrunc,sparse status=none
qemu-img convert -f raw -O qcow2 -c -o compression_type=zlib "$DISK" "$OUT/guest.qcow2"

{ sort -u "$WORK/packages"; echo; (cd "$OUT" && stat -c '%s %n' guest.qcow2 vmlinuz initrd.img ramdisk.img
  sha256sum guest.qcow2 vmlinuz initrd.img ramdisk.img); } >"$OUT/manifest.txt"
say "done"
cat "$OUT/manifest.txt" >&2
