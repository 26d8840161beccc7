# Runs the Pester suite. Called by build.sh and build.ps1, in a PowerShell without profile.
# Pester comes from the module path, else from the PowerShell Gallery, else from NuGet, where it is published too.
# Exit code: 0 all passed, 1 something failed, 3 this version of Pester can't be had.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ResultFile,
    [Parameter(Mandatory)] [string] $CacheFolder,
    # 1 runs the tests tagged Long too.
    [int] $Everything = 1,
    [string] $TestPath = (Join-Path $PSScriptRoot '../tests/module')
)
$ErrorActionPreference = 'Stop'
$version = '5.9.1'

function Find-Pester {
    $cached = Join-Path $CacheFolder 'Pester'
    @(Get-Module Pester, $cached -ListAvailable -ErrorAction Ignore) |
        Where-Object { $_.Version -eq $version } | Select-Object -First 1
}

function Save-FromGallery {
    if (Get-Command Save-PSResource -ErrorAction Ignore) {
        Save-PSResource Pester -Version $version -Path $CacheFolder -TrustRepository
    }
    else {
        Save-Module Pester -RequiredVersion $version -Path $CacheFolder -Force
    }
}

function Save-FromNuGet {
    $download = Join-Path $CacheFolder 'nuget'
    $said = dotnet package download "Pester@$version" --output $download 2>&1
    if ($LASTEXITCODE -ne 0) { throw "dotnet package download: $said" }
    $null = New-Item (Join-Path $CacheFolder 'Pester') -ItemType Directory -Force
    Move-Item (Join-Path $download "pester/$version/tools") (Join-Path $CacheFolder "Pester/$version")
    Remove-Item $download -Recurse -Force
}

$pester = Find-Pester
foreach ($save in 'Save-FromGallery', 'Save-FromNuGet') {
    if ($pester) { break }
    try {
        $null = New-Item $CacheFolder -ItemType Directory -Force
        & $save
    }
    catch {
        Write-Verbose "${save}: $_"
    }
    $pester = Find-Pester
}
if (-not $pester) { exit 3 }

Import-Module $pester.Path
$configuration = New-PesterConfiguration
$configuration.Run.Path = $TestPath
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
if (-not $Everything) { $configuration.Filter.ExcludeTag = 'Long' }
$configuration.Output.RenderMode = 'Plaintext'
$configuration.TestResult.Enabled = $true
$configuration.TestResult.OutputFormat = 'JUnitXml'
$configuration.TestResult.OutputPath = $ResultFile
$run = Invoke-Pester -Configuration $configuration
exit ([int]($run.Result -ne 'Passed'))
