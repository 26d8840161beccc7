<#
.SYNOPSIS
    "Wouldn't you need the producers not to produce when you do it?" A walk through all four answers, with a producer that really runs.
.DESCRIPTION
    It works on a topic of its own that you name, and that must be empty when it begins: row 4 empties it and restores it.

      row  operation                    producer  answer
      1    backup                       running   yes: consistent up to the ends captured when it began
      2    restore to another topic     running   yes: they do not meet
      3    restore to the same topic    running   refused: it would mix old and new records (-Force would do it)
      4    restore to the same topic    stopped   yes: emptied, restored, compared

    Each row is proven by counting and comparing, and written as an object. Exit code 0 when all four hold, 1 when one does not, 3 on a failure.
.PARAMETER BootstrapServer
    The cluster.
.PARAMETER Topic
    An empty topic for this walk only, best with several partitions.
.PARAMETER RestoredTopic
    The other topic of row 2. It must not exist, or be empty.
.PARAMETER Path
    The store.
.PARAMETER Producer
    Sends some records: a script block that gets the bootstrap servers, the topic, and a number that goes up. Left out: kcat, which must be on the PATH.
.EXAMPLE
    ./live-producer.ps1 -BootstrapServer localhost:9092 -Topic live-test -Path ./backups
.EXAMPLE
    ./live-producer.ps1 -BootstrapServer localhost:9092 -Topic live-test -Path ./backups -Producer { param($servers, $topic, $n) "message $n" | kafka-console-producer --bootstrap-server $servers --topic $topic }
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding()]
param(
    [string] $BootstrapServer = 'localhost:9092',
    [string] $Topic = 'live-test',
    [string] $RestoredTopic = "$Topic-restored",
    [string] $Path = './live-producer-backups',
    [scriptblock] $Producer = { param($servers, $topic, $n) 1..20 | ForEach-Object { "key-$_`:message $n-$_" } | kcat -P -q -b $servers -t $topic -K : ; if ($LASTEXITCODE) { throw "kcat ended with $LASTEXITCODE" } }
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$cluster = @{ BootstrapServer = $BootstrapServer }
$backupId = 'live-producer-{0:yyyyMMdd-HHmmss}' -f [DateTime]::UtcNow
$stop = [Threading.ManualResetEventSlim]::new()
$job = $null
$rows = [Collections.Generic.List[object]]::new()

function Write-Step([string] $Text) { Write-Information $Text -InformationAction Continue }

function Get-Count([string] $Name) { (Measure-KafkaTopic @cluster -Topic $Name -Duration 100ms -Summary).RecordCount }

function Wait-ForMore([int] $Records) {
    $goal = (Get-Count $Topic) + $Records
    $watch = [Diagnostics.Stopwatch]::StartNew()
    while ((Get-Count $Topic) -lt $goal) {
        if ($job.State -ne 'Running') { Receive-Job $job; throw 'The producer stopped by itself.' }
        if ($watch.Elapsed.TotalSeconds -gt 60) { throw "The producer did not get $Records records into $Topic within a minute." }
    }
}

function Add-Row([int] $Row, [string] $Operation, [string] $Running, [bool] $Holds, [string] $Evidence) {
    Write-Step "Row $Row, $Operation, producer ${Running}: $(if ($Holds) { 'holds' } else { 'DOES NOT HOLD' }). $Evidence"
    $rows.Add([pscustomobject]@{ Row = $Row; Operation = $Operation; Producer = $Running; Holds = $Holds; Evidence = $Evidence })
}

try {
    if ((Get-Count $Topic) -ne 0) { throw "The topic $Topic is not empty, and this walk empties it: give it one of its own." }
    # The script block goes as text: a job has a session of its own.
    $job = Start-ThreadJob -ArgumentList $Producer.ToString(), $BootstrapServer, $Topic, $stop -ScriptBlock {
        param($text, $servers, $topic, $stop)
        $ErrorActionPreference = 'Stop'
        $send = [scriptblock]::Create($text)
        for ($n = 1; -not $stop.Wait(50); $n++) { & $send $servers $topic $n }
    }
    Wait-ForMore 100

    $before = Get-Count $Topic
    $run = Start-KafkaBackup @cluster -Topic $Topic -Path $Path -BackupId $backupId
    Wait-ForMore 1
    $after = Get-Count $Topic
    $stored = $run | Invoke-KafkaTopicCompare -Topic $Topic -DifferenceBootstrapServer $BootstrapServer -CommonTail
    $holds = $run.Status -eq 'Complete' -and $run.RecordCount -ge $before -and $after -gt $run.RecordCount -and -not ($stored | Where-Object Equal -EQ $false)
    Add-Row 1 'backup' 'running' $holds "$before records when it began, $($run.RecordCount) in the backup, $after in the topic now; what is in the backup equals the topic."

    $restored = Restore-KafkaBackup @cluster -Path $Path -BackupId $backupId -TopicMap @{ $Topic = $RestoredTopic }
    $compared = @(Invoke-KafkaTopicCompare -Path $Path -BackupId $backupId -Topic $Topic -DifferenceBootstrapServer $BootstrapServer -DifferenceTopic $RestoredTopic)
    Wait-ForMore 1
    $holds = $restored.Status -eq 'Complete' -and $restored.RecordCount -eq $run.RecordCount -and -not ($compared | Where-Object Equal -EQ $false)
    Add-Row 2 'restore to another topic' 'running' $holds "$($restored.RecordCount) records in $RestoredTopic, $(($compared | Measure-Object ComparedCount -Sum).Sum) compared and equal; the producer went on."

    $report = Test-KafkaRestore @cluster -Path $Path -BackupId $backupId
    $refused = $null
    try { $null = Restore-KafkaBackup @cluster -Path $Path -BackupId $backupId } catch { $refused = $_ }
    $why = @($report.Findings | Where-Object Severity -EQ 'Error' | ForEach-Object Kind | Sort-Object -Unique)
    $holds = $report.Status -eq 'Invalid' -and $null -ne $refused -and $why -contains 'TargetNotEmpty'
    Add-Row 3 'restore to the same topic' 'running' $holds "Refused before anything was written: $($why -join ', ')."

    $stop.Set()
    $null = $job | Wait-Job | Receive-Job
    # What came since the first run joins the backup: emptying the topic then loses nothing.
    $last = Start-KafkaBackup @cluster -Topic $Topic -Path $Path -BackupId $backupId
    $count = Get-Count $Topic
    $again = Restore-KafkaBackup @cluster -Path $Path -BackupId $backupId -Purge -Force
    $compared = @(Invoke-KafkaTopicCompare -Path $Path -BackupId $backupId -Topic $Topic -DifferenceBootstrapServer $BootstrapServer)
    $now = Get-Count $Topic
    $holds = $last.Status -eq 'Complete' -and $again.Status -eq 'Complete' -and $now -eq $count -and -not ($compared | Where-Object Equal -EQ $false)
    Add-Row 4 'restore to the same topic' 'stopped' $holds "Emptied and restored: $count records before, $now after, $(($compared | Measure-Object ComparedCount -Sum).Sum) compared and equal."
    $rows
    exit [int]($rows.Where{ -not $_.Holds }.Count -gt 0)
}
catch {
    $advice = if ($_.ErrorDetails) { $_.ErrorDetails.RecommendedAction }
    [Console]::Error.WriteLine("$($_.FullyQualifiedErrorId.Split(',')[0]): $_ $advice")
    exit 3
}
finally {
    $stop.Set()
    if ($job) { $job | Wait-Job | Remove-Job -Force }
}
