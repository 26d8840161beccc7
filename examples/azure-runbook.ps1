<#
.SYNOPSIS
    A backup as an Azure Automation runbook (PowerShell 7.4 runtime), with a managed identity for the store.
.DESCRIPTION
    A runbook has no exit code: its job fails when the script throws. So it throws unless the backup is complete, and writes the result as one line of
    JSON, which is what the job's output and Log Analytics keep best.

    Into az://account/container no secret is needed: the managed identity of the Automation account, or of the hybrid worker's machine, is used. Give it
    the role 'Storage Blob Data Contributor' on the container. Other secrets come from the Automation account's assets. Use a hybrid worker, with the
    module installed for all users, if the cloud sandbox has no way to the cluster; there -Duration must end a run within three hours. A run that was
    ended so is complete as far as it came: the next schedule goes on from there.
.PARAMETER BootstrapServer
    The cluster; several, with commas between them, as the portal's form gives one text.
.PARAMETER Topic
    Topics and patterns, with commas between them.
.PARAMETER Path
    az://account/container/prefix; or a folder that the worker sees, or s3://bucket/prefix.
.PARAMETER BackupId
    Every run with the same id takes what is new.
.PARAMETER Duration
    Follow the topics and end the run after so long: 150m. Left out: it ends when all is backed up that was there at its start.
.PARAMETER ClientId
    The client id of a user-assigned managed identity. Left out: the system-assigned one.
.PARAMETER CredentialName
    The name of the Automation credential for the cluster. Left out: no authentication.
.PARAMETER SaslMechanism
    How the credential is used.
.PARAMETER SecurityProtocol
    How the connection is secured.
.PARAMETER StorageCredentialName
    The name of the Automation credential for the store, if it is not a managed identity's: an access key and secret key, or an account and its key.
.EXAMPLE
    ./azure-runbook.ps1 -BootstrapServer kafka-1:9093,kafka-2:9093 -Topic 'orders,~^pay' -Path az://backups/kafka/prod -CredentialName kafka-backup
#>
#Requires -Version 7.4
#Requires -Modules KafkaBackup
[CmdletBinding()]
param(
    [string] $BootstrapServer,
    [string] $Topic,
    [string] $Path,
    [string] $BackupId = 'nightly',
    [string] $Duration,
    [string] $ClientId,
    [string] $CredentialName,
    [string] $SaslMechanism = 'SCRAM-SHA-512',
    [string] $SecurityProtocol = 'SASL_SSL',
    [string] $StorageCredentialName
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$what = @{ BootstrapServer = $BootstrapServer; Topic = $Topic -split '\s*,\s*'; Path = $Path; BackupId = $BackupId }
if ($Duration) { $what.Continuous = $true; $what.Duration = $Duration }
if ($CredentialName) {
    $what.Credential = Get-AutomationPSCredential -Name $CredentialName
    $what.SaslMechanism = $SaslMechanism
    $what.SecurityProtocol = $SecurityProtocol
}
if ($ClientId) { $what.StorageOption = @{ client_id = $ClientId } }
if ($StorageCredentialName) { $what.StorageCredential = Get-AutomationPSCredential -Name $StorageCredentialName }

# A runbook shows no progress bar, and records of it cost time there.
$ProgressPreference = 'SilentlyContinue'
$result = Start-KafkaBackup @what -ErrorAction Continue
$columns = 'BackupId', @{ Name = 'Status'; Expression = { "$($_.Status)" } }, 'ExitCode', 'StartedAt', 'EndedAt', 'TopicCount', 'PartitionCount', 'RecordCount', 'Bytes', 'StoredBytes'
$result | Select-Object $columns | ConvertTo-Json -Compress
if ($result.ExitCode -ne 0) {
    $left = @($result.Topics.Partitions | Where-Object Status -NE 'Complete' | ForEach-Object { "$_ $($_.ErrorMessage)" })
    throw "The backup $BackupId is $($result.Status). $($left -join '; ')"
}
