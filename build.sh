#!/usr/bin/env bash
# Builds, tests and shows KafkaBackup on a machine that has the .NET SDK and nothing else.
#   ./build.sh build | test | demo | package | bench | format | clean      (./build.sh help says what each does)
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
tests=tests/KafkaBackup.Engine.Tests/bin/$configuration/net8.0/KafkaBackup.Engine.Tests.dll

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
./build.sh test               runs the tests that are for every save: xunit, and Pester if there is a PowerShell
./build.sh test --all         runs every test, the long ones too: kills, floods, large data
./build.sh test OPTION...     hands the options on to `dotnet test` and leaves Pester out: --filter FullyQualifiedName~Format
./build.sh demo               shows a backup under a running producer, a restore and a comparison, on a broker of its own
./build.sh package            makes the .nupkg for the PowerShell Gallery and a .zip in output/
./build.sh bench [OPTION...]  runs the benchmarks
./build.sh format             lays out the source: lines end at 140 columns
./build.sh clean              removes what was built
TEXT
}

need_sdk() {
    command -v dotnet >/dev/null ||
        fail "the .NET SDK 10 is needed and 'dotnet' is not on the PATH. Debian, Ubuntu: https://learn.microsoft.com/dotnet/core/install/linux"
    dotnet --version >/dev/null || fail "none of the installed .NET SDKs is the one that global.json asks for (10.0.100 or a later 10.0)"
}

build_all() {
    need_sdk
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

scratch=
finish_tests() {
    [[ -z $scratch ]] || rm -rf "$scratch"
    # Whatever goes wrong on the way, the last line counts, and it never counts a broken build as success.
    [[ -n ${counted:-} ]] || say "0 passed, 1 failed, 0 skipped"
}

run_tests() {
    local everything='' option options=() count=() code=0
    for option; do
        if [[ $option == --all ]]; then everything=1; else options+=("$option"); fi
    done

    trap finish_tests EXIT
    build_all
    rm -rf "$results"
    mkdir -p "$results"
    # What tests, runtime and runner put into the temporary folder goes with it; what tests leave there is a failure.
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/kafkabackup-tests.XXXXXX")
    export TMPDIR=$scratch

    local selection=()
    [[ -n $everything || " ${options[*]-} " == *' --filter '* ]] || selection=(--filter 'Run!=Long')
    limited 2400 dotnet test "$tests" --logger "trx;LogFilePrefix=xunit" --logger 'console;verbosity=normal' --results-directory "$results" \
        --blame-hang-timeout 4m --blame-hang-dump-type none ${selection[@]+"${selection[@]}"} ${options[@]+"${options[@]}"} </dev/null 2>&1 | build_step progress || code=$?
    ((code == 0)) || count+=(--broken "dotnet test ended with code $code")

    code=0
    if ((${#options[@]})); then
        count+=(--left-out "the Pester suite (options were given, they are for dotnet test)")
    elif ! find_pwsh; then
        count+=(--left-out "the Pester suite (no pwsh on the PATH, and the PowerShell .NET tool can't be had from this NuGet source)")
    else
        limited 1800 "${pwsh[@]}" -NoProfile -NonInteractive -File build/pester.ps1 -ResultFile "$results/pester.xml" -CacheFolder "$cache/modules" \
            -Everything "${everything:-0}" </dev/null | build_step progress || code=$?
        if ((code == 3)); then
            count+=(--left-out "the Pester suite (neither the module path, nor the Gallery, nor NuGet has Pester 5.9.1)")
        elif ((code != 0)); then
            count+=(--broken "the Pester suite ended with code $code")
        fi
    fi

    [[ -n $everything ]] || ((${#options[@]})) || count+=(--slow 5 --left-out "the long tests (./build.sh test --all runs them)")
    local left
    left=$(cd "$scratch" && compgen -G 'kafkabackup*' | wc -l) || true
    ((left == 0)) || say "The tests left $left folders in their temporary folder, which is removed now."

    counted=1
    build_step count ${count[@]+"${count[@]}"} "$results"
}

demo() {
    need_sdk
    dotnet build tests/KafkaBackup.Demo -c "$configuration" -v quiet -nologo -clp:NoSummary
    exec dotnet "tests/KafkaBackup.Demo/bin/$configuration/net8.0/KafkaBackup.Demo.dll" "$@"
}

package() {
    build_all "-p:CompiledPlatforms=linux-x64%3Bwin-x64"
    local module
    module=$(echo output/KafkaBackup/*/)
    build_step package --module "$here/${module%/}" --output "$here/output"
}

bench() {
    need_sdk
    dotnet build tests/KafkaBackup.Benchmarks -c "$configuration" -v quiet -nologo -clp:NoSummary
    exec dotnet "tests/KafkaBackup.Benchmarks/bin/$configuration/net8.0/KafkaBackup.Benchmarks.dll" "$@"
}

format() {
    need_sdk
    dotnet tool restore
    dotnet csharpier format .
    # What is left of what the build checks (IDE0055).
    dotnet format whitespace --folder .
}

clean() {
    rm -rf output {src,tests,build}/*/{bin,obj} BenchmarkDotNet.Artifacts
    say "Removed what was built."
}

command=${1:-help}
(($#)) && shift
case $command in
    build) build_all "$@" ;;
    test) run_tests "$@" ;;
    demo) demo "$@" ;;
    package) package ;;
    bench) bench "$@" ;;
    format) format ;;
    clean) clean ;;
    help | -h | --help) usage ;;
    *) usage >&2; fail "'$command' is none of these" ;;
esac
