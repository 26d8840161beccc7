<#
.SYNOPSIS
    The job that runs every night: backs up, looks through a part of the backup, writes a log, and ends with an exit code that a scheduler understands.
.DESCRIPTION
    What to back up, and where to, stands in a file (backup.yaml). Secrets do not: the file says ${KAFKA_PASSWORD}, and this script takes the
    password from a credential file or from a SecretManagement vault and sets that variable for this process only.

    Every run adds a line to runs.csv in the log folder, and writes a log of its own. Run it every night with the same backup id: each run takes
    what is new. With -CheckTurns 7 each run also reads a seventh of the whole backup, so that every byte is read once a week.

    Exit codes: 0 complete; 1 something was left out; 2 stopped; 3 failed; 4 backed up, but the check found damage.
.PARAMETER ConfigPath
    The file, see backup.yaml.
.PARAMETER BackupId
    Wins over the file's backup_id.
.PARAMETER LogFolder
    Where logs and runs.csv go. It is made when it is missing.
.PARAMETER KeepLogDays
    Logs that are older are removed. runs.csv is kept.
.PARAMETER CheckTurns
    In how many runs the whole backup is to be read; 0 leaves the check out.
.PARAMETER CredentialPath
    A credential that the job's own account saved: Get-Credential | Export-Clixml kafka.xml. On Windows only that account on that machine can
    read it; on Linux it is not encrypted, so give nobody else the right to read it, or use a vault.
.PARAMETER SecretName
    The name of a credential or password in a SecretManagement vault, instead of CredentialPath.
.PARAMETER PasswordVariable
    The environment variable that the file takes the password from.
.EXAMPLE
    ./nightly-backup.ps1 -ConfigPath ./backup.yaml
.EXAMPLE
    ./nightly-backup.ps1 -ConfigPath ./backup.yaml -CredentialPath ./kafka.xml -LogFolder /var/log/kafkabackup -CheckTurns 7
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding()]
param(
    [string] $ConfigPath = (Join-Path $PSScriptRoot 'backup.yaml'),
    [string] $BackupId,
    [string] $LogFolder = (Join-Path $PSScriptRoot 'logs'),
    [ValidateRange(1, 3650)] [int] $KeepLogDays = 60,
    [ValidateRange(0, 366)] [int] $CheckTurns = 0,
    [string] $CredentialPath,
    [string] $SecretName,
    [string] $PasswordVariable = 'KAFKA_PASSWORD'
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$failed = 3
$damaged = 4

function Get-Password {
    $secret = if ($SecretName) { Get-Secret -Name $SecretName } elseif ($CredentialPath) { Import-Clixml $CredentialPath }
    switch ($secret) {
        { $_ -is [pscredential] } { $_.GetNetworkCredential().Password; break }
        { $_ -is [securestring] } { ConvertFrom-SecureString $_ -AsPlainText; break }
        { $null -ne $_ } { throw "The secret is a $($_.GetType().Name); a credential or a secure string is needed." }
    }
}

function Write-Log([string] $Level, [string] $Text) {
    $line = '{0:yyyy-MM-ddTHH:mm:ss.fffZ} {1,-7} {2}' -f [DateTime]::UtcNow, $Level, $Text
    Add-Content -LiteralPath $log -Value $line
    $line
}

# Everything that a cmdlet says goes into the log, in the order in which it was said; its result is handed back.
filter Save-Story {
    switch ($_) {
        { $_ -is [Management.Automation.VerboseRecord] } { $null = Write-Log 'verbose' $_.Message; break }
        { $_ -is [Management.Automation.WarningRecord] } { Write-Log 'warning' $_.Message | Write-Warning; break }
        { $_ -is [Management.Automation.ErrorRecord] } { Write-Failure $_; break }
        default { $_ }
    }
}

function Write-Failure([Management.Automation.ErrorRecord] $Failure) {
    $advice = if ($Failure.ErrorDetails) { $Failure.ErrorDetails.RecommendedAction }
    $line = Write-Log 'ERROR' "$($Failure.FullyQualifiedErrorId.Split(',')[0]): $Failure $advice"
    [Console]::Error.WriteLine($line)
}

$null = New-Item -ItemType Directory -Path $LogFolder -Force
$log = Join-Path $LogFolder ('backup-{0:yyyyMMdd-HHmmss}.log' -f [DateTime]::UtcNow)
$exitCode = $failed
$hadPassword = Test-Path "Env:$PasswordVariable"
try {
    $password = Get-Password
    if ($password) { Set-Item "Env:$PasswordVariable" $password }
    $what = @{ ConfigPath = $ConfigPath }
    if ($BackupId) { $what.BackupId = $BackupId }

    # A partition that fails is an error in the log and no reason to leave out the others: Continue, not Stop.
    $result = Start-KafkaBackup @what -Verbose -ErrorAction Continue *>&1 | Save-Story
    $exitCode = $result.ExitCode
    Write-Log 'result' "$($result.Status): $($result.RecordCount) records of $($result.TopicCount) topics in $($result.Duration), backup $($result.BackupId) in $($result.Path)"
    $result | Select-Object StartedAt, BackupId, Status, ExitCode, TopicCount, PartitionCount, SegmentCount, RecordCount, Bytes, StoredBytes, Duration, HeadSkew, Gaps |
        Export-Csv (Join-Path $LogFolder 'runs.csv') -Append

    if ($CheckTurns -gt 0) {
        # The day says whose turn it is: nothing has to be remembered from one night to the next.
        $turn = [int][Math]::Floor(([DateTime]::UtcNow - [DateTime]::UnixEpoch).TotalDays) % $CheckTurns + 1
        $check = $result | Test-KafkaBackup -Sample "$turn/$CheckTurns" -Verbose *>&1 | Save-Story
        Write-Log 'check' "$($check.Status): turn $turn of $CheckTurns, $($check.SegmentsChecked) of $($check.SegmentCount) segments, $($check.BytesRead) bytes read"
        $check.Findings | ForEach-Object { Write-Log 'finding' "$_ $($_.Advice)" }
        if ($check.Status -eq 'Invalid') { $exitCode = [Math]::Max($exitCode, $damaged) }
    }
}
catch {
    Write-Failure $_
    $exitCode = $failed
}
finally {
    if (-not $hadPassword) { Remove-Item "Env:$PasswordVariable" -ErrorAction Ignore }
}

Get-ChildItem -LiteralPath $LogFolder -Filter 'backup-*.log' | Where-Object LastWriteTime -LT (Get-Date).AddDays(-$KeepLogDays) | Remove-Item
exit $exitCode
