BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    $topics = Get-ChildItem (Join-Path (Get-Repository) 'module/en-US') -Filter about_*.help.txt | ForEach-Object { @{ Topic = $_.Name -replace '\.help\.txt$' } }
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
}

Describe 'About topics' {
    It '<Topic> is found' -ForEach $topics {
        $result = Invoke-FreshPwsh "(Get-Help $Topic | Out-String).Length -gt 500" $TestDrive
        $result.Lines | Should -Be 'True'
    }
}

Describe 'First examples' {
    It 'run as they are, one after the other, against a broker on localhost' {
        $broker = Start-LocalBroker 'orders:3'
        try {
            0..2 | ForEach-Object { Add-BrokerRecord $broker orders $_ 20 }
            Set-GroupOffset $broker billing orders 0 5
            Push-Location $TestDrive
            foreach ($name in 'Start-KafkaBackup', 'Get-KafkaBackup', 'Get-KafkaBackupRecord', 'Test-KafkaBackup', 'Test-KafkaRestore', 'Restore-KafkaBackup', 'Get-KafkaOffsetMapping',
                'Invoke-KafkaTopicCompare', 'Get-KafkaTopicRecord', 'Measure-KafkaTopic', 'Repair-KafkaBackup', 'Restore-KafkaConsumerOffset', 'Remove-KafkaBackup') {
                $code = "$(@((Get-Help $name -Full).examples.example)[0].code)"
                # The one thing that cannot be as it is: a test takes a free port.
                $code = $code.Replace('localhost:9092', $broker.Bootstrap)
                { & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'; $code")) | Out-String | Out-Null } | Should -Not -Throw -Because "the first example of $name is: $code"
            }
        }
        finally {
            Pop-Location
            Stop-LocalBroker $broker
        }
    }
}
