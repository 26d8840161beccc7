<#
.SYNOPSIS
    Brings topics back as they were at an instant, next to the ones that are there, and shows that nothing later came along.
.DESCRIPTION
    For the morning after: something wrote nonsense into a topic, and you know when. The steps are those that you would take by hand:

    1. find the backup, and say so when it does not reach the instant;
    2. plan and check the restore (Test-KafkaRestore -Deep): every byte that it needs is read before anything is written;
    3. restore into topics with a suffix, so that nothing is touched that is in use; they keep their records until you say otherwise (retention.ms -1);
    4. look: as many records as were planned, and none that is later than the instant;
    5. keep the offset mapping, so that consumers can be moved.

    Give -Topic the names at the source. -WhatIf stops after step 2. Exit codes: 0 done and shown; 1 incomplete; 2 stopped; 3 failed or refused; 4 the look found something.
.PARAMETER BootstrapServer
    The cluster to restore into.
.PARAMETER Path
    The store: a folder or s3://bucket/prefix.
.PARAMETER BackupId
    The backup. Left out: the newest one in the store that reaches the instant.
.PARAMETER Topic
    Topics to bring back, by their names at the source.
.PARAMETER ToTime
    The last instant to bring back, inclusive: 2024-01-15T14:02:59.999Z, epoch milliseconds, or -2h.
.PARAMETER FromTime
    The first instant, inclusive; left out: from the beginning.
.PARAMETER Suffix
    What is added to the topics' names.
.PARAMETER ReportFolder
    Where the offset mapping and the result go.
.PARAMETER KafkaParameter
    More parameters for the cluster: @{ SecurityProtocol = 'SASL_SSL'; SaslMechanism = 'SCRAM-SHA-512'; Credential = $credential }.
.EXAMPLE
    ./point-in-time-restore.ps1 -BootstrapServer kafka-1:9092 -Path ./backups -Topic orders -ToTime 2024-01-15T14:02:59.999Z -WhatIf
.EXAMPLE
    ./point-in-time-restore.ps1 -BootstrapServer kafka-1:9092 -Path ./backups -BackupId nightly -Topic orders, payments -ToTime -2h -Suffix .before
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
param(
    [string[]] $BootstrapServer,
    [string] $Path,
    [string] $BackupId = '*',
    [string[]] $Topic,
    [string] $ToTime,
    [string] $FromTime,
    [string] $Suffix = '-recovered',
    [string] $ReportFolder = '.',
    [hashtable] $KafkaParameter = @{}
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$failed = 3
$notShown = 4

function Write-Step([string] $Text) { Write-Information $Text -InformationAction Continue }

try {
    $missing = @('BootstrapServer', 'Path', 'Topic', 'ToTime').Where{ -not $PSBoundParameters.ContainsKey($_) }
    if ($missing) { throw "Not given: $($missing.ForEach{ "-$_" } -join ', ')." }
    $cluster = $KafkaParameter + @{ BootstrapServer = $BootstrapServer }
    $targets = @{}
    $Topic.ForEach{ $targets[$_] = "$_$Suffix" }
    # Old records in a topic with the usual seven days of retention would be gone within minutes.
    $what = @{ Topic = $Topic; TopicMap = $targets; ToTime = $ToTime; TopicConfig = @{ 'retention.ms' = '-1'; 'retention.bytes' = '-1' } }
    if ($FromTime) { $what.FromTime = $FromTime }

    $backup = Get-KafkaBackup $Path -BackupId $BackupId -Topic $Topic | Where-Object TopicCount -EQ $Topic.Count | Sort-Object UpdatedAt | Select-Object -Last 1
    if (-not $backup) { throw "No backup in $Path ($BackupId) holds $($Topic -join ', ')." }
    Write-Step "1. Backup $($backup.BackupId): $($backup.RecordCount) records of these topics, the newest of $($backup.LastTimestamp)."

    $report = $backup | Test-KafkaRestore @cluster @what -Deep
    $report.Findings | ForEach-Object { Write-Step "   $($_.Severity): $($_.Message) $($_.Advice)" }
    Write-Step "2. The plan is $($report.Status): $($report.RecordCount) records from $($report.FromTime) to $($report.ToTime)."
    if ($report.Status -eq 'Invalid') { throw 'The restore would go wrong: see above. Nothing was written.' }

    # -20m is 20 minutes before now, and now has moved on since the plan was made: what was planned is restored.
    $what.ToTime = $report.WindowEndMs
    if ($FromTime) { $what.FromTime = $report.WindowStartMs }
    $mapping = Join-Path $ReportFolder "offset-mapping-$($backup.BackupId)$Suffix.json"
    $result = $backup | Restore-KafkaBackup @cluster @what -OffsetReportPath $mapping -WarningAction SilentlyContinue -ErrorAction Continue
    if (-not $result) { exit 0 }
    Write-Step "3. $($result.Status): $($result.RecordCount) records in $($result.Duration)."

    # One millisecond later than the newest record that was planned: nothing may be there.
    $later = @()
    try { $later = @(Get-KafkaTopicRecord @cluster -Topic @($targets.Values) -FromTime ($report.ToTimeMs + 1)) }
    catch { if ($_.FullyQualifiedErrorId -notlike 'NothingMatched,*') { throw } }
    $held = Measure-KafkaTopic @cluster -Topic @($targets.Values) -Duration 1s
    $there = ($held | Measure-Object RecordCount -Sum).Sum
    $shown = $result.RecordCount -eq $report.RecordCount -and $there -ge $report.RecordCount -and $later.Count -eq 0
    Write-Step "4. Planned $($report.RecordCount), restored $($result.RecordCount), later than the instant: $($later.Count)."
    Write-Step "5. The offset mapping: $mapping (Get-KafkaOffsetMapping -OffsetReportPath '$mapping')."
    $result
    exit ($result.ExitCode -ne 0 ? $result.ExitCode : $shown ? 0 : $notShown)
}
catch {
    $advice = if ($_.ErrorDetails) { $_.ErrorDetails.RecommendedAction }
    [Console]::Error.WriteLine("$($_.FullyQualifiedErrorId.Split(',')[0]): $_ $advice")
    exit $failed
}
