BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $broker = Start-LocalBroker 'orders:2'
    0..1 | ForEach-Object { Add-BrokerRecord $broker orders $_ 10 }
    Set-GroupOffset $broker billing orders 0 4
    Push-Location $TestDrive
    $map = @{ orders = 'orders-viewed' }
    $results = [ordered]@{
        BackupResult   = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders -Path ./b -BackupId nightly
        BackupInfo     = Get-KafkaBackup ./b
        RestoreReport  = Test-KafkaRestore ./b -BackupId nightly -BootstrapServer $broker.Bootstrap -TopicMap $map
        RestoreResult  = Restore-KafkaBackup ./b -BackupId nightly -BootstrapServer $broker.Bootstrap -TopicMap $map -OffsetStrategy HeaderBased -ResetConsumerGroup billing -OffsetReportPath ./offsets.json
        OffsetMapping  = Get-KafkaOffsetMapping -OffsetReportPath ./offsets.json
        TopicComparison = Invoke-KafkaTopicCompare ./b -BackupId nightly -Topic orders -DifferenceBootstrapServer $broker.Bootstrap
        BackupReport   = Test-KafkaBackup ./b -BackupId nightly -Deep
        RepairResult   = Repair-KafkaBackup ./b -BackupId nightly
        RecordInfo     = Get-KafkaBackupRecord ./b -BackupId nightly -Topic orders -First 2
        TopicMeasure   = Measure-KafkaTopic -BootstrapServer $broker.Bootstrap -Topic orders -Duration 1s
        Finding        = [KafkaBackup.Finding]::new('Warning', 'Gap', 'orders/0', 'Offsets 1 to 5 are gone.', 'Nothing to be done.')
    }
}

AfterAll {
    Pop-Location
    Stop-LocalBroker $broker
}

Describe 'Views of <_>' -ForEach 'BackupResult', 'BackupInfo', 'RestoreReport', 'RestoreResult', 'OffsetMapping', 'TopicComparison', 'BackupReport', 'RepairResult', 'RecordInfo', 'TopicMeasure', 'Finding' {
    It 'a table and a list are shown without an error, in 110 columns' {
        $results[$_] | Should -Not -BeNullOrEmpty
        # Errors in a view's scripts show nowhere but here.
        $Error.Clear()
        $table = $results[$_] | Format-Table | Out-String -Width 110
        $list = $results[$_] | Format-List | Out-String -Width 110
        $Error | Should -BeNullOrEmpty
        $headings = (($table -split '\r?\n' | Where-Object { $_ -match '\S' })[0] -replace '\e\[[0-9;]*m') -split '\s{1,}' | Where-Object { $_ }
        $headings.Count | Should -BeGreaterThan 2
        $headings | Should -Not -BeLike '*…'
        ($list -split '\r?\n' | Where-Object { $_ -match ' : ' }).Count | Should -BeGreaterThan 2
    }
}

Describe 'The list of a rehearsal' {
    It 'reads like the report of the guide, part by part' {
        $lines = ($results.RestoreReport | Format-List | Out-String -Width 110) -split '\r?\n' | Where-Object { $_ -match '^\S' } | ForEach-Object { ($_ -split ' +: ', 2)[0] -replace '\e\[[0-9;]*m' }
        $lines | Select-Object -First 11 | Should -Be 'Status', 'Backup ID', 'Path', 'Topics to restore', 'Segments to process', 'Records to restore', 'Bytes to restore', 'From', 'To', 'Topics', 'Consumer offset actions'
    }
}
