<#
.SYNOPSIS
    After a snapshot of disks, or any other copy, came back: are the heads even, and is everything below them there?
.DESCRIPTION
    A hot snapshot does not cut all partitions at one instant, and not all segments were flushed. So the newest records (the heads) of a restored
    topic may lie many seconds apart, while older ones (the tail) should be there without a hole. This script checks all three assumptions, against a
    mirror or the original:

    1. the heads of the reference: do its partitions end at about the same time?
    2. the heads of the restored topic: how far do they lie apart?
    3. the biggest common tail: from the oldest record up to the shortest partition, is every record equal?

    It writes three objects, a line per assumption. Exit code 0 when the common tail is equal in all partitions, 4 when it is not, 3 on a failure. Uneven
    heads are a fact to know and no failure; Start-KafkaBackup -ConsistentAt now makes backups that do not have them.
.PARAMETER BootstrapServer
    The cluster of the reference: the mirror, or the original.
.PARAMETER Topic
    The topic there, for instance my-source-cluster.blogs on a mirror.
.PARAMETER DifferenceBootstrapServer
    The cluster with the restored topic.
.PARAMETER DifferenceTopic
    The restored topic; left out: the same name.
.PARAMETER EvenWithin
    Heads that lie no further apart than this count as even.
.PARAMETER Last
    How many of the newest records to look at for the heads' times.
.PARAMETER FromOffset
    Compare from this offset on, where the beginning is known to differ.
.EXAMPLE
    ./hot-snapshot-proof.ps1 -BootstrapServer mirror:9092 -Topic my-source-cluster.blogs -DifferenceBootstrapServer kafka-1:9092 -DifferenceTopic blogs
.EXAMPLE
    ./hot-snapshot-proof.ps1 -BootstrapServer kafka-1:9092 -Topic blogs -DifferenceTopic blogs-restored | Format-List Text, Holds, Evidence
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding()]
param(
    [string[]] $BootstrapServer = 'localhost:9092',
    [string] $Topic,
    [string[]] $DifferenceBootstrapServer = $BootstrapServer,
    [string] $DifferenceTopic = $Topic,
    [TimeSpan] $EvenWithin = '00:00:02',
    [ValidateRange(1, 10000)] [int] $Last = 10,
    [long] $FromOffset = -1
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# The newest time of each partition that holds anything, and how far these lie apart.
function Get-Head([string[]] $Servers, [string] $Name) {
    $heads = @(Get-KafkaTopicRecord -BootstrapServer $Servers -Topic $Name -Last $Last | Group-Object Partition | ForEach-Object {
            $newest = ($_.Group | Measure-Object TimestampMs -Maximum).Maximum
            [pscustomobject]@{ Partition = [int]$_.Name; Offset = ($_.Group | Measure-Object Offset -Maximum).Maximum; TimeMs = [long]$newest; Time = [DateTimeOffset]::FromUnixTimeMilliseconds($newest) }
        } | Sort-Object Partition)
    if (-not $heads) { throw "The topic $Name is empty." }
    $times = $heads | Measure-Object TimeMs -Minimum -Maximum
    [pscustomobject]@{ Heads = $heads; Skew = [TimeSpan]::FromMilliseconds($times.Maximum - $times.Minimum) }
}

function New-Finding([int] $Assumption, [string] $Text, [bool] $Holds, [string] $Evidence, $Detail) {
    [pscustomobject]@{ Assumption = $Assumption; Text = $Text; Holds = $Holds; Evidence = $Evidence; Detail = $Detail }
}

function Format-Head($Head) { "$($Head.Skew.TotalSeconds) s apart: " + (@($Head.Heads.ForEach{ "$($_.Partition) at offset $($_.Offset), {0:HH:mm:ss.fff}" -f $_.Time }) -join '; ') }

try {
    if (-not $Topic) { throw 'Not given: -Topic.' }
    $reference = Get-Head $BootstrapServer $Topic
    New-Finding 1 'The heads of the reference are even' ($reference.Skew -le $EvenWithin) (Format-Head $reference) $reference.Heads

    $restored = Get-Head $DifferenceBootstrapServer $DifferenceTopic
    New-Finding 2 'The heads of the restored topic are even' ($restored.Skew -le $EvenWithin) (Format-Head $restored) $restored.Heads

    $from = if ($FromOffset -ge 0) { @{ FromOffset = $FromOffset } } else { @{} }
    $rows = @(Invoke-KafkaTopicCompare -BootstrapServer $BootstrapServer -Topic $Topic -DifferenceBootstrapServer $DifferenceBootstrapServer -DifferenceTopic $DifferenceTopic -CommonTail @from -ErrorAction SilentlyContinue)
    $different = @($rows | Where-Object Equal -EQ $false)
    $evidence = if ($different) { @($different.ForEach{ "partition $($_.Partition): $($_.Verdict) $($_.FirstDifference) $($_.ErrorMessage)" }) -join '; ' }
    else { "$(($rows | Measure-Object ComparedCount -Sum).Sum) records in $($rows.Count) partitions compared and equal; the shortest common tail has $(($rows | Measure-Object CommonTail -Minimum).Minimum)" }
    $equal = $rows.Count -gt 0 -and $different.Count -eq 0
    New-Finding 3 'The biggest common tail is equal: no segment was lost' $equal $evidence $rows
    exit ($equal ? 0 : 4)
}
catch {
    $advice = if ($_.ErrorDetails) { $_.ErrorDetails.RecommendedAction }
    [Console]::Error.WriteLine("$($_.FullyQualifiedErrorId.Split(',')[0]): $_ $advice")
    exit 3
}
