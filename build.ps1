#Requires -Version 7.4
<#
.SYNOPSIS
    Builds, tests and shows KafkaBackup: what build.sh does, for those who have PowerShell.
.EXAMPLE
    ./build.ps1 -Task Test
.EXAMPLE
    ./build.ps1 -Task Test -All
.EXAMPLE
    ./build.ps1 -Task Test -Option '--filter', 'FullyQualifiedName~Format'
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Demo', 'Package', 'Bench', 'Format', 'Clean')]
    [string] $Task = 'Build',

    # Runs the long tests too: kills, floods, large data.
    [switch] $All,

    # Handed on to dotnet build, dotnet test, the demo or the benchmarks.
    [string[]] $Option = @()
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
Set-Location $PSScriptRoot
$env:DOTNET_NOLOGO = $env:DOTNET_CLI_TELEMETRY_OPTOUT = $env:MSBUILDDISABLENODEREUSE = '1'
$configuration = 'Release'
$results = Join-Path $PSScriptRoot 'output/test-results'
$cacheRoot = $env:XDG_CACHE_HOME ? $env:XDG_CACHE_HOME : (Join-Path ([Environment]::GetFolderPath('UserProfile')) '.cache')
$cache = Join-Path $cacheRoot 'kafkabackup'

function Invoke-Checked([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program $($Arguments[0]) ended with code $LASTEXITCODE" }
}

function Invoke-BuildStep([string[]] $Arguments) {
    & dotnet "build/KafkaBackup.Build/bin/$configuration/net8.0/KafkaBackup.Build.dll" @Arguments
}

function Assert-Sdk {
    if (-not (Get-Command dotnet -ErrorAction Ignore)) { throw "The .NET SDK 10 is needed and 'dotnet' is not on the PATH: https://dot.net/download" }
}

function Build-All([string[]] $Arguments) {
    Assert-Sdk
    Invoke-Checked dotnet (@('build', 'KafkaBackup.sln', '-c', $configuration, '-v', 'minimal', '-nologo', '-clp:NoSummary') + $Arguments)
}

function Start-Program([string] $Name) {
    Assert-Sdk
    Invoke-Checked dotnet @('build', "tests/$Name", '-c', $configuration, '-v', 'quiet', '-nologo', '-clp:NoSummary')
    & dotnet "tests/$Name/bin/$configuration/net8.0/$Name.dll" @Option
    exit $LASTEXITCODE
}

function Test-All {
    try { Build-All @() }
    catch {
        Write-Warning "$_"
        '0 passed, 1 failed, 0 skipped'
        exit 1
    }
    Remove-Item $results -Recurse -Force -ErrorAction Ignore
    $null = New-Item $results -ItemType Directory

    # What tests, runtime and runner put into the temporary folder goes with it; it says what tests leave there.
    $scratch = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "kafkabackup-tests-$([guid]::NewGuid())")).FullName
    $env:TMPDIR = $env:TMP = $env:TEMP = $scratch

    $count = @('count')
    $selection = @(if (-not $All -and $Option -notcontains '--filter') { '--filter', 'Run!=Long' })
    $tests = "tests/KafkaBackup.Engine.Tests/bin/$configuration/net8.0/KafkaBackup.Engine.Tests.dll"
    dotnet test $tests --logger 'trx;LogFilePrefix=xunit' --results-directory $results `
        --blame-hang-timeout 4m --blame-hang-dump-type none @selection @Option
    if ($LASTEXITCODE -ne 0) { $count += '--broken', "dotnet test ended with code $LASTEXITCODE" }

    if ($Option) { $count += '--left-out', 'the Pester suite (options were given, they are for dotnet test)' }
    elseif (Test-Path 'tests/module/*.Tests.ps1') {
        # Of a PowerShell that is installed as a .NET tool the process is dotnet's.
        $pwsh = (Get-Process -Id $PID).Path
        $first = @(if ((Split-Path $pwsh -LeafBase) -eq 'dotnet') { Join-Path $PSHOME 'pwsh.dll' })
        & $pwsh @first -NoProfile -NonInteractive -File build/pester.ps1 -ResultFile (Join-Path $results 'pester.xml') `
            -CacheFolder (Join-Path $cache 'modules') -Everything ([int][bool]$All)
        if ($LASTEXITCODE -eq 3) { $count += '--left-out', 'the Pester suite (neither the module path, nor the Gallery, nor NuGet has Pester 5.9.1)' }
        elseif ($LASTEXITCODE -ne 0) { $count += '--broken', "the Pester suite ended with code $LASTEXITCODE" }
    }

    if (-not $All -and -not $Option) { $count += '--slow', 5, '--left-out', 'the long tests (-All runs them)' }
    $left = @(Get-ChildItem $scratch -Filter 'kafkabackup*').Count
    if ($left) { "The tests left $left folders in their temporary folder, which is removed now." }
    Remove-Item $scratch -Recurse -Force -ErrorAction Ignore
    Invoke-BuildStep ($count + $results)
    exit $LASTEXITCODE
}

switch ($Task) {
    'Build' { Build-All $Option }
    'Test' { Test-All }
    'Demo' { Start-Program KafkaBackup.Demo }
    'Bench' { Start-Program KafkaBackup.Benchmarks }
    'Package' {
        Build-All @('-p:CompiledPlatforms=linux-x64%3Bwin-x64')
        $module = (Get-ChildItem output/KafkaBackup -Directory).FullName
        Invoke-BuildStep @('package', '--module', $module, '--output', (Join-Path $PSScriptRoot 'output'))
        exit $LASTEXITCODE
    }
    'Format' {
        Invoke-Checked dotnet @('tool', 'restore')
        Invoke-Checked dotnet @('csharpier', 'format', '.')
        # What is left of what the build checks (IDE0055).
        Invoke-Checked dotnet @('format', 'whitespace', '--folder', '.')
    }
    'Clean' {
        $built = Get-ChildItem src, tests, build -Directory | ForEach-Object { Join-Path $_.FullName 'bin'; Join-Path $_.FullName 'obj' }
        Remove-Item (@('output', 'BenchmarkDotNet.Artifacts') + $built | Where-Object { Test-Path $_ }) -Recurse -Force
        'Removed what was built.'
    }
}
