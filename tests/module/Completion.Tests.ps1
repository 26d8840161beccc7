BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    function Get-Completion([string] $Line) { @((TabExpansion2 $Line).CompletionMatches.CompletionText) }
}

Describe 'Tab' {
    It 'completes <Line>' -ForEach @(
        @{ Line = 'Start-KafkaBackup -Compression '; Words = 'Gzip', 'None', 'Zstd' }
        @{ Line = 'Restore-KafkaBackup -OffsetStrategy h'; Words = @('HeaderBased') }
        @{ Line = 'Restore-KafkaBackup -Delivery '; Words = 'Idempotent', 'Transactional' }
        @{ Line = 'Start-KafkaBackup -SaslMechanism Scram'; Words = 'ScramSha256', 'ScramSha512' }
        @{ Line = 'Invoke-KafkaTopicCompare -Align '; Words = 'Auto', 'Offset', 'OriginalOffset', 'Position' }
    ) {
        Get-Completion $Line | Sort-Object | Should -Be $Words
    }

    It 'offers nothing, and no error, where there is no store' {
        $before = $Error.Count
        Get-Completion 'Get-KafkaBackup /no/such/store -BackupId zzzz' | Where-Object { $_ -notlike '*zzzz*' -and $_ -notlike './*' } | Should -BeNullOrEmpty
        $Error.Count | Should -Be $before
    }
}

Describe 'Tab in a store' {
    BeforeAll {
        $broker = Start-LocalBroker 'orders:1', 'payments:1'
        Add-BrokerRecord $broker orders 0 5
        Push-Location $TestDrive
        foreach ($id in 'nightly-1', 'nightly-2', 'weekly') { $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Path ./store -BackupId $id -Topic orders, payments }
    }

    AfterAll {
        Pop-Location
        Stop-LocalBroker $broker
    }

    It 'completes backup ids, with the path by name and by position' {
        Get-Completion 'Get-KafkaBackup -Path ./store -BackupId ' | Sort-Object | Should -Be 'nightly-1', 'nightly-2', 'weekly'
        Get-Completion 'Restore-KafkaBackup ./store -BackupId night' | Sort-Object | Should -Be 'nightly-1', 'nightly-2'
    }

    It 'completes the topics of a backup' {
        Get-Completion 'Get-KafkaBackupRecord ./store -BackupId weekly -Topic ' | Sort-Object | Should -Be 'orders', 'payments'
        Get-Completion 'Restore-KafkaBackup ./store -Topic or' | Should -Be 'orders'
    }
}
