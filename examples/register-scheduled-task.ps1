<#
.SYNOPSIS
    Makes nightly-backup.ps1 run every night: a scheduled task on Windows, a line for cron elsewhere.
.DESCRIPTION
    On Windows it registers a task that runs under a service account (a group managed one needs no password), whether anybody is logged on or not,
    one at a time, and again after an hour when it fails. -WhatIf shows what would be registered.

    Linux and macOS have no scheduled tasks: there it changes nothing, and writes the line for crontab to the output.

    The task runs this folder's script and trusts the configuration like code. So it is refused when others than administrators and the account
    may write to the folder of the script, to the configuration or to its folder: they could run their own commands as the account.
    Folders further up are not checked: they must not be writable for others either.
.PARAMETER ConfigPath
    The file with what to back up. It is made absolute: a task begins in another folder than you are in.
.PARAMETER At
    When, in the machine's own time.
.PARAMETER TaskName
    The name of the task.
.PARAMETER Account
    The account that runs it, on Windows: DOMAIN\svc-kafka$ for a group managed service account. It has to be named. Give it an account that may
    read the configuration and write the backups, and nothing else; SYSTEM works, and may do everything on this machine.
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
    [string] $Account,
    [string] $LogFolder = (Join-Path $PSScriptRoot 'logs'),
    [string] $CredentialPath,
    [ValidateRange(0, 366)] [int] $CheckTurns = 7
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-FullPath([string] $Path) { $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path) }

# One argument for a Windows command line: backslashes before a quote, also before the closing one, count double.
function ConvertTo-WindowsArgument([string] $Text) {
    if ($Text -notmatch '[\s"]' -and $Text) { return $Text }
    '"' + ($Text -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"'
}

# Who besides administrators, the owner's system accounts and $Account may write to a file or folder.
function Get-OtherWriter([string] $Path, [string] $Account) {
    if (-not $IsWindows) {
        $item = Get-Item -LiteralPath $Path -Force
        if ($item.User -notin 'root', [Environment]::UserName) { $item.User }
        if ($item.UnixFileMode -band [IO.UnixFileMode]::OtherWrite) { 'everybody' }
        # A group of the owner's own name is the owner.
        if (($item.UnixFileMode -band [IO.UnixFileMode]::GroupWrite) -and $item.Group -ne $item.User) { "group $($item.Group)" }
        return
    }

    # Administrators, SYSTEM, TrustedInstaller, and CREATOR OWNER, which stands for the owner of what is created.
    $trusted = 'S-1-5-32-544', 'S-1-5-18', 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464', 'S-1-3-0'
    $trusted += try { ([Security.Principal.NTAccount]$Account).Translate([Security.Principal.SecurityIdentifier]).Value } catch { }
    $writes = [Security.AccessControl.FileSystemRights]'WriteData, AppendData, Delete, DeleteSubdirectoriesAndFiles, ChangePermissions, TakeOwnership'
    foreach ($rule in (Get-Acl -LiteralPath $Path).GetAccessRules($true, $true, [Security.Principal.SecurityIdentifier])) {
        if ($rule.AccessControlType -eq 'Allow' -and ($rule.FileSystemRights -band $writes) -and $rule.IdentityReference.Value -notin $trusted) {
            try { $rule.IdentityReference.Translate([Security.Principal.NTAccount]).Value } catch { $rule.IdentityReference.Value }
        }
    }
}

if (-not (Test-Path -LiteralPath $ConfigPath)) { throw "There is no $ConfigPath. Copy backup.yaml from this folder and adapt it." }
$pwsh = (Get-Process -Id $PID).Path
# Of a PowerShell that is installed as a .NET tool the process is dotnet's.
$script = @(if ((Split-Path $pwsh -LeafBase) -eq 'dotnet') { Join-Path $PSHOME 'pwsh.dll' }) + @('-NoProfile', '-NonInteractive', '-File', (Join-Path $PSScriptRoot 'nightly-backup.ps1'))
$given = [ordered]@{ ConfigPath = Get-FullPath $ConfigPath; LogFolder = Get-FullPath $LogFolder; CheckTurns = $CheckTurns }
if ($CredentialPath) { $given.CredentialPath = Get-FullPath $CredentialPath }

foreach ($value in @($PSScriptRoot, $TaskName) + @($given.Values)) {
    if ("$value" -match '[\p{Cc}]') { throw "'$("$value" -replace '[\p{Cc}]', '?')' holds a control character, such as a line break, and cannot be part of a scheduled command." }
}
if ($IsWindows -and -not $Account) {
    throw "Name the account that runs the task: -Account 'CORP\svc-kafka$' (a group managed service account needs no password). SYSTEM works too, and may do everything on this machine."
}
foreach ($path in $PSScriptRoot, (Join-Path $PSScriptRoot 'nightly-backup.ps1'), $given.ConfigPath, (Split-Path $given.ConfigPath) | Select-Object -Unique) {
    if ($writers = @(Get-OtherWriter $path $Account)) {
        throw "'$path' can be written by $($writers -join ', '): they could run their own commands as the task's account. Take the right to write away from them, or move the files to a folder of the account's own."
    }
}

if (-not $IsWindows) {
    Write-Warning 'This is not Windows, so nothing is registered. For cron, add this line with: crontab -e'
    # In a crontab % ends the command, and quotes are the shell's.
    $words = @($pwsh) + $script + @($given.GetEnumerator().ForEach{ "-$($_.Key)", "$($_.Value)" })
    $command = @($words.ForEach{ if ($_ -match '^[\w./:=-]+$') { $_ } else { "'" + $_.Replace("'", "'\''").Replace('%', '\%') + "'" } }) -join ' '
    '{0} {1} * * * {2}' -f $At.Minutes, $At.Hours, $command
    return
}

$words = $script + @($given.GetEnumerator().ForEach{ "-$($_.Key)", "$($_.Value)" })
$arguments = @($words.ForEach{ ConvertTo-WindowsArgument $_ }) -join ' '
if ($PSCmdlet.ShouldProcess("$TaskName, every day at $At as ${Account}: $pwsh $arguments", 'Register scheduled task')) {
    $logon = if ($Account -eq 'SYSTEM') { 'ServiceAccount' } else { 'Password' }
    Register-ScheduledTask -TaskName $TaskName -Force `
        -Action (New-ScheduledTaskAction -Execute $pwsh -Argument $arguments -WorkingDirectory $PSScriptRoot) `
        -Trigger (New-ScheduledTaskTrigger -Daily -At ([DateTime]::Today + $At)) `
        -Principal (New-ScheduledTaskPrincipal -UserId $Account -LogonType $logon) `
        -Settings (New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -StartWhenAvailable -RestartCount 3 -RestartInterval (New-TimeSpan -Hours 1))
}
