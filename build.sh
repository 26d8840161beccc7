#!/usr/bin/env bash
# Builds, tests and shows KafkaBackup on a machine that has the .NET SDK and nothing else.
#   ./build.sh build | test | demo | package | bench | native | clean      (./build.sh help says what each does)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"

# Some service accounts and containers have no HOME; the .NET SDK and NuGet need one.
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# A build node that outlives the build would hold on to the caller's output.
export MSBUILDDISABLENODEREUSE=${MSBUILDDISABLENODEREUSE:-1} DOTNET_CLI_USE_MSBUILD_SERVER=0

configuration=Release
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kafkabackup
results=$here/output/test-results

say() { printf '%s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
limited() { # limited SECONDS COMMAND...: no command of ours may hang a build
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then timeout --kill-after=20 "$seconds" "$@"; else "$@"; fi
}
build_step() { dotnet "$here/build/KafkaBackup.Build/bin/$configuration/net8.0/KafkaBackup.Build.dll" "$@"; }

usage() {
    cat <<'TEXT'
./build.sh build              builds everything and lays out the module in output/KafkaBackup/<version>/
./build.sh test [OPTION...]   runs every test: xunit, and Pester where PowerShell is; options go to `dotnet test` and leave Pester out
./build.sh demo               shows a backup under a running producer, a restore and a comparison, on a broker of its own
./build.sh package            makes the .nupkg for the PowerShell Gallery and a .zip in output/
./build.sh bench [OPTION...]  runs the benchmarks
./build.sh native             only makes sure that there is a librdkafka
./build.sh clean              removes what was built; the native library's cache stays
TEXT
}

need_sdk() {
    command -v dotnet >/dev/null ||
        fail "the .NET SDK 10 is needed and 'dotnet' is not on the PATH. Debian, Ubuntu: https://learn.microsoft.com/dotnet/core/install/linux"
    dotnet --version >/dev/null || fail "none of the installed .NET SDKs is the one that global.json asks for (10.0.100 or a later 10.0)"
}

redist_restores() { dotnet restore src/KafkaBackup.Engine -p:KafkaBackupNativeLibrary=redist; }

# librdkafka comes from NuGet (librdkafka.redist). Where the package source lacks that package it is built once, into the cache.
native() {
    [[ -n ${KafkaBackupNativeLibrary:-} || -s $cache/native/librdkafka.so ]] && return
    local answer
    if answer=$(redist_restores 2>&1); then
        return
    elif ! grep -qE 'NU110[0-9].*librdkafka\.redist' <<<"$answer"; then
        printf '%s\n' "$answer" >&2
        fail "the packages can't be restored, see above"
    elif [[ $(uname -s) != Linux ]]; then
        fail "the NuGet source has no librdkafka.redist, and building librdkafka here works on Debian and Ubuntu only: use a source that mirrors nuget.org"
    fi
    say "The NuGet source has no librdkafka.redist: building librdkafka once into $cache/native (a minute or two)."
    "$here/build/native/librdkafka.sh" "$cache/native"
}

build_all() {
    need_sdk
    native
    dotnet build KafkaBackup.sln -c "$configuration" -v minimal -nologo -clp:NoSummary "$@"
}

pwsh=()
find_pwsh() {
    if command -v pwsh >/dev/null; then
        pwsh=(pwsh)
    elif limited 120 dotnet tool restore >/dev/null 2>&1; then
        pwsh=(dotnet tool run pwsh --)
    fi
    # A PowerShell that is there but does not start is as good as none.
    ((${#pwsh[@]})) && limited 60 "${pwsh[@]}" -NoProfile -NonInteractive -Command 'exit 0' >/dev/null 2>&1
}

run_tests() {
    # Whatever goes wrong on the way, the last line counts, and it never counts a broken build as success.
    trap 'say "0 passed, 1 failed, 0 skipped"' EXIT
    build_all
    rm -rf "$results"
    mkdir -p "$results"

    local count=() code=0
    limited 720 dotnet test KafkaBackup.sln -c "$configuration" --no-build -nologo --logger "trx;LogFilePrefix=xunit" --results-directory "$results" \
        --blame-hang-timeout 4m --blame-hang-dump-type none "$@" || code=$?
    ((code == 0)) || count+=(--broken "dotnet test ended with code $code")

    code=0
    if (($#)); then
        count+=(--left-out "the Pester suite (options were given, they are for dotnet test)")
    elif ! compgen -G 'tests/module/*.Tests.ps1' >/dev/null; then
        :
    elif ! find_pwsh; then
        count+=(--left-out "the Pester suite (no pwsh on the PATH, and the PowerShell .NET tool can't be had from this NuGet source)")
    else
        limited 1500 "${pwsh[@]}" -NoProfile -NonInteractive -File build/pester.ps1 -ResultFile "$results/pester.xml" -CacheFolder "$cache/modules" </dev/null || code=$?
        if ((code == 3)); then
            count+=(--left-out "the Pester suite (PowerShell is here, but neither the module path, nor the Gallery, nor NuGet has Pester 5)")
        elif ((code != 0)); then
            count+=(--broken "the Pester suite ended with code $code")
        fi
    fi

    trap - EXIT
    build_step count "${count[@]}" "$results"
}

demo() {
    need_sdk
    native
    dotnet build tests/KafkaBackup.Demo -c "$configuration" -v quiet -nologo -clp:NoSummary
    exec dotnet "tests/KafkaBackup.Demo/bin/$configuration/net8.0/KafkaBackup.Demo.dll" "$@"
}

package() {
    need_sdk
    # A package for others should hold every platform's library: the redist package goes before this machine's own build.
    if redist_restores >/dev/null 2>&1; then
        build_all -p:KafkaBackupNativeLibrary=redist
    else
        build_all
    fi
    local module
    module=$(echo output/KafkaBackup/*/)
    build_step package --module "$here/${module%/}" --output "$here/output"
}

bench() {
    need_sdk
    native
    dotnet build tests/KafkaBackup.Benchmarks -c "$configuration" -v quiet -nologo -clp:NoSummary
    exec dotnet "tests/KafkaBackup.Benchmarks/bin/$configuration/net8.0/KafkaBackup.Benchmarks.dll" "$@"
}

clean() {
    rm -rf output {src,tests,build}/*/{bin,obj} BenchmarkDotNet.Artifacts
    say "Removed what was built. The native library stays in $cache/native; delete it to have it built again."
}

command=${1:-help}
(($#)) && shift
case $command in
    build) build_all "$@" ;;
    test) run_tests "$@" ;;
    demo) demo "$@" ;;
    package) package ;;
    bench) bench "$@" ;;
    native) need_sdk; native; if [[ -s $cache/native/librdkafka.so ]]; then say "librdkafka: $cache/native/librdkafka.so"; else say "librdkafka: the librdkafka.redist package"; fi ;;
    clean) clean ;;
    help | -h | --help) usage ;;
    *) usage >&2; fail "'$command' is none of these" ;;
esac
