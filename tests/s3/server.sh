#!/bin/bash
# A real S3 server for the tests: Ceph's radosgw over one monitor and one store in memory, loopback only, unpacked from Debian's packages into a cache
# folder. Nothing is installed on the machine and no root rights are needed.
#
#   server.sh install   fills the cache (about 134 MB to download, 450 MB unpacked), if it is not there yet
#   server.sh run       installs if needed, starts on free ports, prints "ready <endpoint> <bucket> <access key> <secret key>" and serves until its
#                       standard input is closed: so it ends with whoever started it, even if that was killed
#
# KAFKABACKUP_CACHE   the cache folder; default ~/.cache/kafkabackup
# S3_SUITE            the Debian release to take the packages from; default trixie (radosgw 18.2)
#
# What radosgw 18.2 does not do like others: it ignores If-None-Match at the end of a multipart upload, and a put that fails early with a short body
# leaves its connection unusable.
set -euo pipefail

cache=${KAFKABACKUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kafkabackup}
root=$cache/s3-server
lib=$root/usr/lib/x86_64-linux-gnu
loader=$root/usr/lib64/ld-linux-x86-64.so.2
access_key=testkey secret_key=testsecret bucket=kafka-backups
# Keys for SSE-KMS, by name; the bytes mean nothing.
kms_keys="testkey-1=$(printf 'kafkabackup-test-key-of-32-bytes' | base64)"

install() {
  mkdir -p "$cache"
  exec 9>"$cache/s3-server.lock"
  flock 9
  if [ ! -x "$root/usr/bin/radosgw" ]; then
    command -v apt-get >/dev/null || { echo "no cached S3 server in $root and no apt-get to fetch one" >&2; exit 3; }
    local work; work=$(mktemp -d "$cache/s3-server.XXXXXX")
    mkdir -p "$work"/apt/{lists/partial,cache/archives/partial} "$work/root"
    : >"$work/apt/status"
    local mirror; mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian/} ${S3_SUITE:-trixie} main" >"$work/apt/sources.list"
    local private=(-qq -o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State=$work/apt"
      -o "Dir::State::Lists=$work/apt/lists" -o "Dir::State::status=$work/apt/status" -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=
      -o APT::Install-Recommends=false -o Acquire::Languages=none -o Debug::NoLocking=1)
    apt-get "${private[@]}" update >&2
    apt-get "${private[@]}" -y --download-only install radosgw ceph-mon ceph-osd >/dev/null
    local package
    for package in "$work"/apt/cache/archives/*.deb; do
      dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/root" --no-same-owner --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
    done
    rm -rf "$root"
    mv "$work/root" "$root"
    rm -rf "$work"
  fi
  flock -u 9
  exec 9>&-
}

# The unpacked programs run with their own libraries, whatever the machine has.
tool() { "$loader" --library-path "$lib:$lib/ceph:$lib/systemd" "$root/usr/bin/$1" "${@:2}"; }
python() { PYTHONHOME=$root/usr tool "$(basename "$(readlink -f "$root/usr/bin/python3")")" "$@"; }
# The same in the background, as one process whose id can be noted.
python_daemon() {
  PYTHONHOME=$root/usr setsid "$loader" --library-path "$lib" "$(readlink -f "$root/usr/bin/python3")" "$@" </dev/null &
  echo $! >"$dir/run/vault.pid"
}

free_ports() {
  local base offset
  for _ in $(seq 50); do
    base=$((20000 + RANDOM % 10000))
    for offset in $(seq 0 24); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$((base + offset))") 2>/dev/null; then continue 2; fi
    done
    echo "$base"
    return
  done
  echo "no free ports" >&2
  return 1
}

configure() {
  cat >"$dir/ceph.conf" <<EOF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = v2:127.0.0.1:$((port + 1))/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind port min = $((port + 3))
ms bind port max = $((port + 24))
keyring = $dir/keyring
mon data = $dir/mon
osd data = $dir/osd
rgw data = $dir/rgw
run dir = $dir/run
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
log file = $dir/log/\$name.log
log to stderr = false
plugin dir = $lib/ceph
osd class dir = $lib/rados-classes
erasure code dir = $lib/ceph/erasure-code
# One of everything, and no waiting for others.
paxos propose interval = 0.02
paxos min wait = 0.01
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail warn = 1
mon data avail crit = 1
rgw rados pool pg num min = 1
rgw run sync thread = false
rgw enable usage log = false
# Data in memory.
osd objectstore = memstore
memstore device bytes = 6442450944
osd max object size = 134217728
rgw frontends = beast endpoint=127.0.0.1:$port
rgw dns name =
# Encryption: KMS with keys from here, SSE-S3 with a stand-in for the vault that it asks for keys.
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = $kms_keys
rgw crypt sse s3 backend = vault
rgw crypt sse s3 vault addr = http://127.0.0.1:$((port + 2))
rgw crypt sse s3 vault auth = token
rgw crypt sse s3 vault token file = $dir/vault-token
rgw crypt sse s3 vault secret engine = transit
rgw crypt sse s3 vault prefix = /v1/transit
EOF
  (umask 077; echo test >"$dir/vault-token")
  cat >"$dir/vault.py" <<'EOF'
import base64, http.server, json, os, sys

class Vault(http.server.BaseHTTPRequestHandler):
    """Makes data keys and hands them back: just what encryption with the server's own keys asks of a transit engine."""
    def answer(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        data = {}
        if '/datakey/' in self.path:
            key = base64.b64encode(os.urandom(32)).decode()
            data = {'plaintext': key, 'ciphertext': 'vault:v1:' + key}
        elif '/decrypt/' in self.path:
            data = {'plaintext': json.loads(body)['ciphertext'].rsplit(':', 1)[1]}
        reply = json.dumps({'data': data}).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    do_GET = do_POST = do_PUT = do_DELETE = answer
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Vault).serve_forever()
EOF
}

start() {
  export CEPH_CONF=$dir/ceph.conf
  mkdir -p "$dir"/{mon,osd,run,log}
  configure
  local id
  tool ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *'
  for id in client.admin client.rgw osd.0; do
    tool ceph-authtool "$dir/keyring" --gen-key -n "$id" --cap mon 'allow *' --cap osd 'allow *'
  done
  tool monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CEPH_CONF")" --addv a "[v2:127.0.0.1:$((port + 1))]" "$dir/monmap"
  tool ceph-mon --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring"
  tool ceph-mon -i a
  local osd; osd=$(cat /proc/sys/kernel/random/uuid)
  python "$root/usr/bin/ceph" osd new "$osd"
  tool ceph-osd -i 0 --mkfs --osd-uuid "$osd"
  tool ceph-osd -i 0
  python "$root/usr/bin/ceph" osd crush add osd.0 1.0 root=default host=localhost
  tool radosgw-admin user create --uid tests --display-name tests --access-key "$access_key" --secret-key "$secret_key"
  python_daemon "$dir/vault.py" $((port + 2))
  tool radosgw -n client.rgw
  local empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  for _ in $(seq 100); do
    if curl -fsS -o /dev/null -X PUT -H "x-amz-content-sha256: $empty" --aws-sigv4 aws:amz:us-east-1:s3 --user "$access_key:$secret_key" "http://127.0.0.1:$port/$bucket"; then
      return
    fi
    sleep 0.2
  done
  return 1
}

stop() {
  local file
  for file in "$dir"/run/*.pid; do
    if [ -f "$file" ]; then kill -9 "$(cat "$file")" 2>/dev/null || true; fi
  done
  rm -rf "$dir"
}

case ${1:-run} in
install) install ;;
run)
  install
  dir=$(mktemp -d "${TMPDIR:-/tmp}/kafkabackup-s3.XXXXXX")
  trap stop EXIT
  trap 'exit 1' INT TERM HUP
  port=$(free_ports)
  if ! start >"$dir/start.log" 2>&1; then
    tail -n 30 "$dir/start.log" "$dir"/log/*.log >&2 || true
    exit 1
  fi
  echo "ready http://127.0.0.1:$port $bucket $access_key $secret_key"
  cat >/dev/null
  ;;
*) echo "usage: server.sh [install|run]" >&2; exit 2 ;;
esac
