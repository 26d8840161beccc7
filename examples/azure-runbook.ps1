<#
.SYNOPSIS
    A backup as an Azure Automation runbook (PowerShell 7.4 runtime) on a hybrid worker that can reach the cluster.
.DESCRIPTION
    A runbook has no exit code: its job fails when the script throws. So it throws unless the backup is complete, and writes the result as one line of
    JSON, which is what the job's output and Log Analytics keep best.

    Secrets come from the Automation account's assets. The module must be installed on the hybrid worker, for all users: the cloud sandbox has
    neither a way to the cluster nor the time for a long backup.
.PARAMETER BootstrapServer
    The cluster; several, with commas between them, as the portal's form gives one text.
.PARAMETER Topic
    Topics and patterns, with commas between them.
.PARAMETER Path
    A folder that the worker sees, or s3://bucket/prefix.
.PARAMETER BackupId
    Every run with the same id takes what is new.
.PARAMETER CredentialName
    The name of the Automation credential for the cluster. Left out: no authentication.
.PARAMETER SaslMechanism
    How the credential is used.
.PARAMETER SecurityProtocol
    How the connection is secured.
.PARAMETER StorageCredentialName
    The name of the Automation credential that holds the access key and secret key of an object store.
.EXAMPLE
    ./azure-runbook.ps1 -BootstrapServer kafka-1:9093,kafka-2:9093 -Topic 'orders,~^pay' -Path D:\backups -CredentialName kafka-backup
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding()]
param(
    [string] $BootstrapServer,
    [string] $Topic,
    [string] $Path,
    [string] $BackupId = 'nightly',
    [string] $CredentialName,
    [string] $SaslMechanism = 'SCRAM-SHA-512',
    [string] $SecurityProtocol = 'SASL_SSL',
    [string] $StorageCredentialName
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$what = @{ BootstrapServer = $BootstrapServer; Topic = $Topic -split '\s*,\s*'; Path = $Path; BackupId = $BackupId }
if ($CredentialName) {
    $what.Credential = Get-AutomationPSCredential -Name $CredentialName
    $what.SaslMechanism = $SaslMechanism
    $what.SecurityProtocol = $SecurityProtocol
}
if ($StorageCredentialName) { $what.StorageCredential = Get-AutomationPSCredential -Name $StorageCredentialName }

# A runbook shows no progress bar, and records of it cost time there.
$ProgressPreference = 'SilentlyContinue'
$result = Start-KafkaBackup @what -ErrorAction Continue
$result | Select-Object BackupId, Status, ExitCode, StartedAt, EndedAt, TopicCount, PartitionCount, RecordCount, Bytes, StoredBytes | ConvertTo-Json -Compress
if ($result.ExitCode -ne 0) {
    $left = @($result.Topics.Partitions | Where-Object Status -NE 'Complete' | ForEach-Object { "$_ $($_.ErrorMessage)" })
    throw "The backup $BackupId is $($result.Status). $($left -join '; ')"
}
