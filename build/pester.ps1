# Runs the Pester suite. Called by build.sh and build.ps1, in a PowerShell without profile.
# Pester comes from the module path, else from the PowerShell Gallery, else from NuGet, where it is published too.
# Exit code: 0 all passed, 1 something failed, 3 no Pester 5 can be had.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ResultFile,
    [Parameter(Mandatory)] [string] $CacheFolder,
    [string] $TestPath = (Join-Path $PSScriptRoot '../tests/module')
)
$ErrorActionPreference = 'Stop'

function Find-Pester {
    $cached = Join-Path $CacheFolder 'Pester'
    @(Get-Module Pester, $cached -ListAvailable -ErrorAction Ignore) |
        Where-Object { $_.Version.Major -eq 5 -and $_.Version -ge '5.3' } | Sort-Object Version -Descending | Select-Object -First 1
}

function Save-FromGallery {
    if (Get-Command Save-PSResource -ErrorAction Ignore) {
        Save-PSResource Pester -Version '[5.3.0,6.0.0)' -Path $CacheFolder -TrustRepository
    }
    else {
        Save-Module Pester -MinimumVersion 5.3.0 -MaximumVersion 5.99.99 -Path $CacheFolder -Force
    }
}

function Save-FromNuGet {
    $version = '5.9.1'
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
$configuration.Output.Verbosity = 'Normal'
$configuration.Output.RenderMode = 'Plaintext'
$configuration.TestResult.Enabled = $true
$configuration.TestResult.OutputFormat = 'JUnitXml'
$configuration.TestResult.OutputPath = $ResultFile
$run = Invoke-Pester -Configuration $configuration
exit ([int]($run.Result -ne 'Passed'))
