"""The files of the demo guest that are ours: start-up, DHCP, metadata, console."""

from __future__ import annotations

INITTAB = """\
::sysinit:/etc/init.d/rcS
ttyS0::respawn:/sbin/getty -L -n -l /bin/console-shell ttyS0 115200 vt100
::ctrlaltdel:/sbin/poweroff
::shutdown:/bin/umount -a -r
"""

CONSOLE_SHELL = """\
#!/bin/sh
export HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin PS1="$(hostname)# "
cd /root
exec /bin/sh -i
"""

START = """\
#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
grep -q ' /dev ' /proc/mounts || mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -o remount,rw /
chmod 1777 /tmp
echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range
modprobe -a $(cat /etc/modules) 2>/dev/null
hostname -F /etc/hostname
ip link set lo up
acpid -l /run/acpid.log
for path in /sys/class/net/eth*; do
  [ -e $path ] || continue
  card=${path##*/}
  ip link set $card up
  udhcpc -i $card -p /run/udhcpc.$card.pid -s /etc/udhcpc/default.script -O staticroutes -O mtu \\
    -x hostname:$(hostname) -t 8 -T 2 -A 1 -b -S > /run/udhcpc.$card.log 2>&1 &
done
waited=0
while [ $waited -lt 50 ] && cat /sys/class/net/eth*/carrier 2>/dev/null | grep -q 1; do
  ip -4 route | grep -q . && break
  sleep 0.2
  waited=$((waited + 1))
done
/sbin/cloud-start
dropbear -R -s -E 2> /run/dropbear.log
if ! pidof dropbear > /dev/null; then
  # A host key that cannot be read stops it; it makes new ones.
  cat /run/dropbear.log > /dev/console
  rm -f /etc/dropbear/*
  dropbear -R -s -E 2>> /run/dropbear.log
fi
echo "demo: ready, hostname $(hostname), up $(cut -d' ' -f1 /proc/uptime) s" > /dev/console
"""

DHCP = """\
#!/bin/sh
# Called by udhcpc with what the lease says: address, MTU, routes (RFC 3442 ones win), resolvers.
case $1 in
deconfig)
  ip addr flush dev $interface
  ip link set $interface up
  ;;
bound|renew)
  ip addr replace $ip/${mask:-24} dev $interface
  [ -n "$mtu" ] && ip link set $interface mtu $mtu
  if [ -n "$staticroutes" ]; then
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      if [ "$2" = 0.0.0.0 ]; then ip route replace $1 dev $interface
      else ip route replace $1 via $2 dev $interface; fi
      shift 2
    done
  else
    for gateway in $router; do ip route replace default via $gateway dev $interface; done
  fi
  : > /etc/resolv.conf
  [ -n "$domain" ] && echo "search $domain" >> /etc/resolv.conf
  for server in $dns; do echo "nameserver $server" >> /etc/resolv.conf; done
  echo "demo: lease $interface $ip" > /dev/console
  ;;
esac
"""

CLOUD = """\
#!/bin/sh
# Reads the config drive, else the metadata service, and does what they say: name, keys, user-data.
here=/run/cloud
mkdir -p $here
source=none
say() { echo "demo: $*" > /dev/console; }
fetch() { timeout 5 wget -q -O $here/$1 http://169.254.169.254/$2 2>/dev/null || { rm -f $here/$1; false; }; }
for disk in /dev/sr0 /dev/vd[b-z] /dev/sd[a-z]; do
  [ -b $disk ] || continue
  mount -r -t iso9660 $disk /mnt 2>/dev/null || mount -r -t vfat $disk /mnt 2>/dev/null || continue
  if [ -d /mnt/openstack/latest ]; then cp -r /mnt/openstack/latest/. $here/ && source=config-drive; fi
  umount /mnt
  [ $source = none ] || break
done
if [ $source = none ] && ip -4 route | grep -q .; then
  tries=0
  while [ $tries -lt 10 ]; do
    if fetch meta_data.json openstack/latest/meta_data.json; then
      source=metadata-service
      fetch user_data openstack/latest/user_data
      break
    fi
    if fetch hostname latest/meta-data/hostname; then
      source=ec2-metadata
      fetch public-keys latest/meta-data/public-keys/0/openssh-key
      fetch user_data latest/user-data
      break
    fi
    tries=$((tries + 1))
    sleep 1
  done
fi
value() { sed -n 's/.*"'$1'": *"\\([^"]*\\)".*/\\1/p' $here/meta_data.json 2>/dev/null | head -n 1; }
name=$(value hostname)
[ -n "$name" ] || name=$(cat $here/hostname 2>/dev/null)
if [ -n "$name" ]; then hostname "${name%%.*}"; hostname > /etc/hostname; fi
mkdir -p /root/.ssh /home/demo/.ssh
cat $here/meta_data.json $here/public-keys 2>/dev/null \\
  | grep -oE '(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+' | sort -u > /root/.ssh/authorized_keys
cp /root/.ssh/authorized_keys /home/demo/.ssh/authorized_keys
chown -R 1000:1000 /home/demo
chmod -R go= /root/.ssh /home/demo/.ssh
say "source $source, hostname $(hostname), uuid $(value uuid), keys $(wc -l < /root/.ssh/authorized_keys)"
if [ -s $here/user_data ] && head -c 2 $here/user_data | grep -q '#!'; then
  chmod +x $here/user_data
  $here/user_data > $here/user_data.log 2>&1
  say "user-data ended with $?"
  cat $here/user_data.log > /dev/console
fi
"""

FIRST = """\
#!/bin/sh
# The first program: finds the root file system by its label and goes there.
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
modprobe -a $(cat /etc/modules) 2>/dev/null
waited=0
while [ $waited -lt 100 ]; do
  disk=$(findfs LABEL=demoroot 2>/dev/null) && break
  sleep 0.1
  waited=$((waited + 1))
done
mount -t ext4 -o rw "$disk" /new || { echo "demo: no root file system"; exec sh; }
umount /proc /sys
mount --move /dev /new/dev
exec switch_root /new /sbin/init
"""

SYSLINUX = """\
SERIAL 0 115200
DEFAULT demo
TIMEOUT 1
PROMPT 0
LABEL demo
 LINUX /vmlinuz
 INITRD /initrd.gz
 APPEND root=LABEL=demoroot console=tty0 console=ttyS0 quiet panic=5 cryptomgr.notests no_timer_check
"""

POWER_BUTTON = "#!/bin/sh\nexec /sbin/poweroff\n"

SUDO = """\
#!/bin/sh
# For scripts that begin commands with sudo. It makes nobody root: log in as root.
while [ $# -gt 0 ]; do
  case $1 in
  --) shift; break ;;
  -u|-g) shift 2 ;;
  -*) shift ;;
  *) break ;;
  esac
done
[ "$(id -u)" = 0 ] || { echo "sudo: only root may; log in as root" >&2; exit 1; }
exec "$@"
"""

LSBLK = """\
#!/bin/sh
# The disks, as lsblk -lb --nodeps shows them; all arguments are ignored.
line() { printf '%-6s %-7s %2s %12s %2s %s\\n' "$@"; }
line NAME MAJ:MIN RM SIZE RO TYPE
for disk in /sys/block/*; do
  name=${disk##*/}
  case $name in
  loop*|ram*) continue ;;
  sr*) kind=rom ;;
  *) kind=disk ;;
  esac
  line $name $(cat $disk/dev) $(cat $disk/removable) $(($(cat $disk/size) * 512)) $(cat $disk/ro) $kind
done
"""

MKFS = """\
#!/bin/sh
# mkfs [-t ext2|ext3|ext4|vfat] DEVICE
kind=ext2
if [ "$1" = -t ]; then
  kind=$2
  shift 2
fi
case $kind in
ext*) exec /usr/sbin/mke2fs -q -F -t $kind "$@" ;;
vfat) exec /usr/sbin/mkfs.vfat "$@" ;;
esac
echo "mkfs: there is no file system $kind here" >&2
exit 1
"""

CURL = """\
#!/bin/sh
# curl [-o FILE] [-d DATA] URL, of which wget does the work; other options are ignored.
file=-
data=
while [ $# -gt 1 ]; do
  case $1 in
  -o) file=$2; shift 2 ;;
  -d) data=$2; shift 2 ;;
  *) shift ;;
  esac
done
exec wget -q -O "$file" ${data:+--post-data "$data"} "$1"
"""

FILES: dict[str, tuple[str, int]] = {
    "etc/inittab": (INITTAB, 0o644),
    "etc/init.d/rcS": (START, 0o755),
    "etc/udhcpc/default.script": (DHCP, 0o755),
    "etc/acpi/PWRF/00000080": (POWER_BUTTON, 0o755),
    "etc/acpid.conf": ("PWRF PWRF/00000080\n", 0o644),
    "etc/passwd": ("root:*:0:0:root:/root:/bin/sh\ndemo:*:1000:1000:demo:/home/demo:/bin/sh\n", 0o644),
    "etc/shadow": ("root:*:19000:0:99999:7:::\ndemo:*:19000:0:99999:7:::\n", 0o600),
    "etc/group": ("root:x:0:\ndemo:x:1000:\n", 0o644),
    "etc/shells": ("/bin/sh\n", 0o644),
    "etc/hostname": ("demo\n", 0o644),
    "bin/console-shell": (CONSOLE_SHELL, 0o755),
    "sbin/cloud-start": (CLOUD, 0o755),
    "usr/bin/sudo": (SUDO, 0o755),
    "usr/bin/curl": (CURL, 0o755),
    "usr/bin/lsblk": (LSBLK, 0o755),
    "usr/sbin/mkfs": (MKFS, 0o755),
}
"""Files of the root file system: text and mode by path."""

FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin", "etc/init.d", "etc/dropbear", "etc/udhcpc", "etc/acpi/PWRF", "proc",
           "sys", "dev", "run", "tmp", "mnt", "root", "var/log", "home/demo", "lib64", "new")

ROOT_MODULES = ("virtio_net", "sr_mod", "ata_piix", "ahci", "isofs", "vfat", "nls_ascii", "nls_cp437", "virtio_rng",
                "virtio_balloon", "virtio_console", "button", "evdev", "acpiphp_ibm")
FIRST_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ata_piix", "ahci")
"""Kernel modules loaded by the root file system and by the first program."""
