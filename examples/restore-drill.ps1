<#
.SYNOPSIS
    A backup that was never restored is a hope. Restores one into scratch topics, compares every record with the backup, reports, and cleans up.
.DESCRIPTION
    Run it every week from a scheduler. It

    1. reads every byte of the backup (Test-KafkaBackup -Deep);
    2. restores it into topics named drill-<time>-<topic>, on a cluster that may be another than the source. They are made with unlimited retention
       and without compaction, so that the cluster does not delete old records while they are compared;
    3. compares record by record, and says where the first difference is;
    4. removes the scratch topics;
    5. writes drill.csv (a line per partition) and drill.json (the whole) into the report folder.

    The module does not delete topics, on purpose. -RemoveTopic says how it is done at your place; without it the script uses kafka-topics of
    Kafka's own tools where it is on the PATH, and otherwise names the topics that are left.

    Exit codes: 0 all equal; 1 incomplete; 2 stopped; 3 failed or refused; 4 damaged or not equal; 5 all equal, but scratch topics are left.
.PARAMETER BootstrapServer
    The cluster for the drill.
.PARAMETER Path
    The store: a folder or s3://bucket/prefix.
.PARAMETER BackupId
    The backup; left out: the newest complete one.
.PARAMETER Topic
    Topics or patterns; left out: all of the backup.
.PARAMETER ReportFolder
    Where drill.csv and drill.json go. Lines are added to drill.csv.
.PARAMETER RemoveTopic
    How to delete a topic: a script block that gets its name.
.PARAMETER KafkaParameter
    More parameters for the cluster: @{ SecurityProtocol = 'SASL_SSL'; SaslMechanism = 'SCRAM-SHA-512'; Credential = $credential }.
.PARAMETER ReplicationFactor
    Of the scratch topics.
.EXAMPLE
    ./restore-drill.ps1 -BootstrapServer kafka-1:9092 -Path ./backups
.EXAMPLE
    ./restore-drill.ps1 -BootstrapServer drill:9092 -Path s3://backups/kafka -BackupId nightly -Topic orders -RemoveTopic { param($name) kafka-topics --bootstrap-server drill:9092 --delete --topic $name }
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding()]
param(
    [string[]] $BootstrapServer,
    [string] $Path,
    [string] $BackupId = '*',
    [string[]] $Topic = @('*'),
    [string] $ReportFolder = './drill',
    [scriptblock] $RemoveTopic,
    [hashtable] $KafkaParameter = @{},
    [ValidateRange(1, 100)] [int] $ReplicationFactor = 1
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$failed = 3
$notEqual = 4
$notClean = 5

function Write-Step([string] $Text) { Write-Information $Text -InformationAction Continue }

function Get-Remover {
    if ($RemoveTopic) { return $RemoveTopic }
    $tool = Get-Command kafka-topics, kafka-topics.sh -ErrorAction Ignore | Select-Object -First 1
    # Kafka's tool wants its own properties file where the cluster asks for credentials: then say how with -RemoveTopic.
    if ($tool -and $KafkaParameter.Count -eq 0) { return { param($name) & $tool --bootstrap-server ($BootstrapServer -join ',') --delete --topic $name; if ($LASTEXITCODE) { throw "kafka-topics ended with $LASTEXITCODE" } } }
}

function Remove-Scratch([string[]] $Names) {
    $remover = Get-Remover
    foreach ($name in $Names) {
        if (-not $remover) { Write-Warning "Nobody knows how to delete topics here (-RemoveTopic): $name is left."; $name; continue }
        try { $null = & $remover $name }
        catch { Write-Warning "The scratch topic $name is left: $_"; $name }
    }
}

$exitCode = $failed
$scratch = @{}
$left = @()
$backup = $check = $result = $null
$rows = @()
try {
    $cluster = $KafkaParameter + @{ BootstrapServer = $BootstrapServer }
    $difference = @{}
    $KafkaParameter.GetEnumerator().ForEach{ $difference["Difference$($_.Key)"] = $_.Value }
    $backup = Get-KafkaBackup $Path -BackupId $BackupId | Where-Object Status -EQ 'Complete' | Sort-Object UpdatedAt | Select-Object -Last 1
    if (-not $backup) { throw "There is no complete backup $BackupId in $Path." }

    $check = $backup | Test-KafkaBackup -Deep
    Write-Step "1. Backup $($backup.BackupId) is $($check.Status): $($check.RecordsChecked) records, $($check.BytesRead) bytes read."
    $check.Findings | ForEach-Object { Write-Step "   $_ $($_.Advice)" }

    $offline = $backup | Test-KafkaRestore @cluster -Topic $Topic -Offline
    $stamp = '{0:yyyyMMddHHmmss}' -f [DateTime]::UtcNow
    $offline.Topics | ForEach-Object { $scratch[$_.Topic] = "drill-$stamp-$($_.Topic)" }

    $result = $backup | Restore-KafkaBackup @cluster -Topic $Topic -TopicMap $scratch -ReplicationFactor $ReplicationFactor -TopicConfig @{ 'retention.ms' = '-1'; 'retention.bytes' = '-1'; 'cleanup.policy' = 'delete' }
    Write-Step "2. Restored into scratch topics: $($result.Status), $($result.RecordCount) records in $($result.Duration)."

    $rows = foreach ($name in $scratch.Keys | Sort-Object) {
        Invoke-KafkaTopicCompare -Path $backup.Path -StorageOption $backup.StorageOption -BackupId $backup.BackupId -Topic $name -DifferenceBootstrapServer $BootstrapServer -DifferenceTopic $scratch[$name] @difference -ErrorAction SilentlyContinue
    }
    $rows = @($rows)
    $bad = @($rows | Where-Object Equal -EQ $false)
    Write-Step "3. Compared $(($rows | Measure-Object ComparedCount -Sum).Sum) records in $($rows.Count) partitions: $($bad.Count) partitions differ."
    $bad | ForEach-Object { Write-Step "   $($_.Topic)/$($_.Partition): $($_.Verdict) $($_.FirstDifference) $($_.ErrorMessage)" }

    $exitCode = if ($result.ExitCode -ne 0) { $result.ExitCode } elseif ($bad -or $check.Status -eq 'Invalid') { $notEqual } else { 0 }
}
catch {
    $advice = if ($_.ErrorDetails) { $_.ErrorDetails.RecommendedAction }
    [Console]::Error.WriteLine("$($_.FullyQualifiedErrorId.Split(',')[0]): $_ $advice")
}
finally {
    if ($scratch.Count -gt 0) {
        $left = @(Remove-Scratch @($scratch.Values | Sort-Object))
        Write-Step "4. Scratch topics removed: $($scratch.Count - $left.Count) of $($scratch.Count)."
        if ($left -and $exitCode -eq 0) { $exitCode = $notClean }
    }
}

$null = New-Item -ItemType Directory -Path $ReportFolder -Force
$drill = [pscustomobject]@{
    Time = [DateTimeOffset]::UtcNow
    ExitCode = $exitCode
    BackupId = if ($backup) { $backup.BackupId }
    Check = if ($check) { "$($check.Status)" }
    Restore = if ($result) { "$($result.Status)" }
    RecordCount = if ($result) { $result.RecordCount }
    Duration = if ($result) { "$($result.Duration)" }
    Partitions = @($rows | Select-Object Topic, DifferenceTopic, Partition, @{ n = 'Verdict'; e = { "$($_.Verdict)" } }, ComparedCount, ReferenceDigest, DifferenceDigest, @{ n = 'FirstDifference'; e = { "$($_.FirstDifference)" } })
    TopicsLeft = $left
}
ConvertTo-Json $drill -Depth 4 | Set-Content (Join-Path $ReportFolder 'drill.json')
$drill.Partitions | Select-Object @{ n = 'Time'; e = { $drill.Time.ToString('u') } }, @{ n = 'BackupId'; e = { $drill.BackupId } }, * | Export-Csv (Join-Path $ReportFolder 'drill.csv') -Append
$drill
exit $exitCode
