<#
.SYNOPSIS
    Makes nightly-backup.ps1 run every night: a scheduled task on Windows, a line for cron elsewhere.
.DESCRIPTION
    On Windows it registers a task that runs under a service account (a group managed one needs no password), whether anybody is logged on or not,
    one at a time, and again after an hour when it fails. -WhatIf shows what would be registered.

    Linux and macOS have no scheduled tasks: there it changes nothing, and writes the line for crontab to the output.
.PARAMETER ConfigPath
    The file with what to back up. It is made absolute: a task begins in another folder than you are in.
.PARAMETER At
    When, in the machine's own time.
.PARAMETER TaskName
    The name of the task.
.PARAMETER Account
    The account that runs it: DOMAIN\svc-kafka$ for a group managed service account. Left out: SYSTEM.
.PARAMETER LogFolder
    Handed on to nightly-backup.ps1.
.PARAMETER CredentialPath
    Handed on to nightly-backup.ps1. It must have been saved by the account that runs the task.
.PARAMETER CheckTurns
    Handed on to nightly-backup.ps1.
.EXAMPLE
    ./register-scheduled-task.ps1 -ConfigPath ./backup.yaml -At 02:00 -WhatIf
.EXAMPLE
    ./register-scheduled-task.ps1 -ConfigPath C:\kafka\backup.yaml -Account 'CORP\svc-kafka$' -LogFolder D:\logs\kafka
#>
#Requires -Version 7.4
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
param(
    [string] $ConfigPath = (Join-Path $PSScriptRoot 'backup.yaml'),
    [TimeSpan] $At = '02:00',
    [string] $TaskName = 'Kafka nightly backup',
    [string] $Account = 'SYSTEM',
    [string] $LogFolder = (Join-Path $PSScriptRoot 'logs'),
    [string] $CredentialPath,
    [ValidateRange(0, 366)] [int] $CheckTurns = 7
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-FullPath([string] $Path) { $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path) }

if (-not (Test-Path -LiteralPath $ConfigPath)) { throw "There is no $ConfigPath. Copy backup.yaml from this folder and adapt it." }
$pwsh = (Get-Process -Id $PID).Path
# Of a PowerShell that is installed as a .NET tool the process is dotnet's.
$script = @(if ((Split-Path $pwsh -LeafBase) -eq 'dotnet') { Join-Path $PSHOME 'pwsh.dll' }) + @('-NoProfile', '-NonInteractive', '-File', (Join-Path $PSScriptRoot 'nightly-backup.ps1'))
$given = [ordered]@{ ConfigPath = Get-FullPath $ConfigPath; LogFolder = Get-FullPath $LogFolder; CheckTurns = $CheckTurns }
if ($CredentialPath) { $given.CredentialPath = Get-FullPath $CredentialPath }

if (-not $IsWindows) {
    Write-Warning 'This is not Windows, so nothing is registered. For cron, add this line with: crontab -e'
    # In a crontab % ends the command, and quotes are the shell's.
    $words = @($pwsh) + $script + @($given.GetEnumerator().ForEach{ "-$($_.Key)", "$($_.Value)" })
    $command = @($words.ForEach{ if ($_ -match '^[\w./:=-]+$') { $_ } else { "'" + $_.Replace("'", "'\''").Replace('%', '\%') + "'" } }) -join ' '
    '{0} {1} * * * {2}' -f $At.Minutes, $At.Hours, $command
    return
}

$words = $script + @($given.GetEnumerator().ForEach{ "-$($_.Key)", "$($_.Value)" })
$arguments = @($words.ForEach{ if ($_ -match '\s') { "`"$_`"" } else { $_ } }) -join ' '
if ($PSCmdlet.ShouldProcess("$TaskName, every day at $At as ${Account}: $pwsh $arguments", 'Register scheduled task')) {
    $logon = if ($Account -eq 'SYSTEM') { 'ServiceAccount' } else { 'Password' }
    Register-ScheduledTask -TaskName $TaskName -Force `
        -Action (New-ScheduledTaskAction -Execute $pwsh -Argument $arguments -WorkingDirectory $PSScriptRoot) `
        -Trigger (New-ScheduledTaskTrigger -Daily -At ([DateTime]::Today + $At)) `
        -Principal (New-ScheduledTaskPrincipal -UserId $Account -LogonType $logon) `
        -Settings (New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -StartWhenAvailable -RestartCount 3 -RestartInterval (New-TimeSpan -Hours 1))
}
