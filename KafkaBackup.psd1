@{
    RootModule           = 'KafkaBackup.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '6f1d3a52-9c3e-4a6e-9a54-2b7f0c1e8d47'
    Author               = 'KafkaBackup contributors'
    CompanyName          = 'KafkaBackup'
    Copyright            = '(c) KafkaBackup contributors. MIT licence.'
    Description          = 'Backs up Kafka topics to a folder or S3, restores them to any millisecond, and proves the result.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('KafkaBackup.format.ps1xml')
    TypesToProcess       = @('KafkaBackup.types.ps1xml')
    FunctionsToExport    = @()
    CmdletsToExport      = @(
        'Get-KafkaBackup'
        'Get-KafkaBackupRecord'
        'Get-KafkaOffsetMapping'
        'Get-KafkaTopicRecord'
        'Invoke-KafkaTopicCompare'
        'Measure-KafkaTopic'
        'Remove-KafkaBackup'
        'Repair-KafkaBackup'
        'Restore-KafkaBackup'
        'Restore-KafkaConsumerOffset'
        'Start-KafkaBackup'
        'Test-KafkaBackup'
        'Test-KafkaRestore'
    )
    VariablesToExport    = @()
    AliasesToExport      = @(
        'Backup-KafkaTopic'
        'Compare-KafkaTopic'
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @('Kafka', 'Backup', 'Restore', 'PointInTimeRecovery', 'DisasterRecovery', 'S3', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
            LicenseUri   = 'https://opensource.org/license/mit'
            ProjectUri   = 'https://www.powershellgallery.com/packages/KafkaBackup'
            ReleaseNotes = 'CHANGELOG.md in the module folder lists what changed. Runs on Windows (x64), Linux (x64 and arm64, glibc or musl) and macOS (Intel and Apple silicon). Third-party licences: THIRD-PARTY-NOTICES.md.'
        }
    }
}
