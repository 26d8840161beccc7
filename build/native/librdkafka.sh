#!/usr/bin/env bash
# librdkafka.sh FOLDER    puts a librdkafka.so that suits Confluent.Kafka into FOLDER
#
# For machines whose NuGet source lacks librdkafka.redist. What stable distributions ship is too old (Debian 12 has 2.0.2, which lacks entry
# points that Confluent.Kafka asks for), so this takes the source package of a newer Debian and builds the C library; the result links against this
# machine's own OpenSSL, SASL, zstd and lz4. apt runs with lists, status and sources of its own in a temporary folder: /etc/apt is never touched.
# Root (or sudo) is needed only if a compiler or a development package has to be installed first.
set -euo pipefail

folder=$(mkdir -p "${1:?usage: librdkafka.sh FOLDER}" && cd "$1" && pwd)
library=$folder/librdkafka.so
oldest=2.14                        # what Confluent.Kafka 2.15 was tried with
suites=(forky testing sid)         # forky had 2.14.2 when this was written; the others follow it up
packages=(gcc g++ make zlib1g-dev libssl-dev libsasl2-dev libzstd-dev liblz4-dev libcurl4-openssl-dev)

fail() { printf 'librdkafka.sh: %s\n' "$*" >&2; exit 1; }

# Two builds at once: the second waits, then finds the library there.
exec 9>"$folder/.lock"
flock 9
[[ -s $library ]] && { echo "$library"; exit 0; }

for tool in apt-get dpkg-query tar; do
    command -v $tool >/dev/null || fail "this needs apt (Debian or Ubuntu); '$tool' is missing. Put a librdkafka $oldest or newer at $library yourself, or use a NuGet source that has librdkafka.redist"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_packages() {
    local missing=() name as_root=()
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
    ((${#missing[@]})) || return 0
    if (($(id -u) != 0)); then
        command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; } ||
            fail "these packages are missing and installing them needs root: ${missing[*]}. Run as root:  apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    # A fresh machine may be busy with its own updates, and one source that can't be reached must not stop what the others have: the install decides.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=180 -o Acquire::Retries=3)
    "${apt[@]}" update </dev/null >"$work/install.txt" 2>&1 || true
    "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >>"$work/install.txt" 2>&1 || {
        tail -n 20 "$work/install.txt" >&2
        fail "apt-get could not install ${missing[*]}"
    }
}

# The machine's own mirror where it is a Debian (it may be the only one that can be reached), then Debian's, then whatever else apt knows of: a fresh
# image has no lists yet, and its sources don't tell whose they are. What is not Debian's fails the signature check and costs a second.
mirrors() {
    known() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "$@" 2>/dev/null | grep -v security | sort -u || true; }
    known 'Origin: Debian'
    echo http://deb.debian.org/debian
    known
}

download_source() { # into $work/source, or not at all
    local mirror suite options
    mkdir -p "$work"/{lists/partial,cache/archives/partial,parts,download}
    : >"$work/status"
    options=(-qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts="$work/parts" -o Dir::State="$work" -o Dir::State::lists="$work/lists"
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= -o Acquire::Retries=3)
    while read -r mirror; do
        for suite in "${suites[@]}"; do
            echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
            rm -f "$work"/download/*
            if apt-get "${options[@]}" update >>"$work/apt.txt" 2>&1 &&
                (cd "$work/download" && apt-get "${options[@]}" source --download-only "librdkafka") >>"$work/apt.txt" 2>&1; then
                version=$(basename "$work"/download/librdkafka_*.orig.tar.*)
                version=${version#librdkafka_} version=${version%.orig.tar.*}
                if dpkg --compare-versions "$version" ge "$oldest"; then
                    mkdir "$work/source"
                    tar -xf "$work"/download/librdkafka_*.orig.tar.* -C "$work/source" --strip-components=1
                    return
                fi
                echo "$suite on $mirror has only $version" >>"$work/apt.txt"
            fi
        done
    done < <(mirrors | awk '!seen[$0]++')
    tail -n 20 "$work/apt.txt" >&2
    fail "no Debian mirror that can be reached has librdkafka $oldest or newer as a source package"
}

build() {
    cd "$work/source"
    # Its configure runs files called configure.* as parts of itself: no log may have such a name.
    ./configure --prefix="$work/installed" >"$work/set-up.txt" 2>&1 || { tail -n 30 "$work/set-up.txt" >&2; fail "librdkafka's configure failed"; }
    make -j"$(nproc)" libs >"$work/compile.txt" 2>&1 || { tail -n 30 "$work/compile.txt" >&2; fail "librdkafka does not compile here"; }
    # Visible whole or not at all: a build that is interrupted here leaves no half library behind.
    cp -L src/librdkafka.so.1 "$library.new"
    mv "$library.new" "$library"
}

[[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || packages+=(debian-archive-keyring)
install_packages "${packages[@]}"
download_source
echo "Building librdkafka $version"
(build)
echo "$library"
