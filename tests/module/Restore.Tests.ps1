BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $broker = Start-LocalBroker 'orders:3', 'payments:2', 'hollow:2', 'void:2'
    0..2 | ForEach-Object { Add-BrokerRecord $broker orders $_ 100 }
    0..1 | ForEach-Object { Add-BrokerRecord $broker payments $_ 10 }
    Set-GroupOffset $broker billing orders 0 40 'here'
    # Pester empties the test drive after each block: what all blocks read lies elsewhere.
    $folder = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "kafkabackup-$([guid]::NewGuid())")).FullName
    Push-Location $folder
    $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders, payments -Path ./b -BackupId x
}

AfterAll {
    Pop-Location
    Remove-Item $folder -Recurse -Force
    Stop-LocalBroker $broker
}

Describe 'Test-KafkaRestore' {
    It 'reports what a restore would do, as in the guide' {
        $report = Test-KafkaRestore ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-tested' }
        $report.Status | Should -Not -Be 'Invalid'
        $report.RecordCount | Should -Be 300
        $report | Format-List | Out-String | Should -BeLike '*Status*: VALID*Backup ID*: x*Topics to restore*: 1*Records to restore*: 300*From*2024-01-15 14:00:00 UTC*To*Consumer offset actions*'
    }

    It 'takes recent backups from the pipeline, and -Quiet is a bool' {
        Get-KafkaBackup ./b | Where-Object CreatedAt -GT (Get-Date).AddDays(-1) |
            Test-KafkaRestore -BootstrapServer $broker.Bootstrap -TopicMap @{ orders = 'o2'; payments = 'p2' } -Quiet | Should -BeTrue
    }

    It '-Offline asks no cluster' { Test-KafkaRestore ./b -BackupId x -Offline -Deep -Quiet | Should -BeTrue }

    It 'finds a target that is not empty, and writes nothing (D3, H1)' {
        Clear-BrokerRequest $broker
        $report = Test-KafkaRestore ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders
        $report.Status | Should -Be 'Invalid'
        $report.Findings.Kind | Should -Contain 'TargetNotEmpty'
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }
}

Describe 'Restore-KafkaBackup' {
    It 'under -WhatIf shows the plan and writes nothing anywhere (H1)' {
        Clear-BrokerRequest $broker
        $script = "Get-KafkaBackup ./b -BackupId x | Restore-KafkaBackup -BootstrapServer $($broker.Bootstrap) -Topic orders -TopicMap @{orders='orders-recovered'} -ToTime '2024-01-15T15:00Z' -CheckpointPath ./checkpoint.json -OffsetReportPath ./report.json -WhatIf"
        $result = Invoke-FreshPwsh $script $folder
        $result.Output | Should -BeLike '*What if: *300 records*orders -> orders-recovered*'
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
        'checkpoint.json', 'report.json' | Should -Not -Exist
    }

    It 'restores every record in order, under another name, and proves it' {
        $result = Restore-KafkaBackup ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-recovered' } -OffsetReportPath ./offsets.json
        $result.Status | Should -Be 'Complete'
        $result.RecordCount | Should -Be 300
        @(Get-BrokerRecord $broker orders-recovered 1).value | Should -Be (0..99 | ForEach-Object { "value-1-$_" })
        Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic orders -DifferenceTopic orders-recovered -Quiet | Should -BeTrue
        './offsets.json' | Should -Exist
    }

    It 'is not proven by a comparison of nothing' {
        Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic hollow -DifferenceTopic void -Quiet | Should -BeFalse
        Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic hollow, orders -DifferenceTopic void, orders-recovered -Quiet | Should -BeTrue
    }

    It 'restores a window with both ends (A5)' {
        $result = Restore-KafkaBackup ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-window' } -FromTime 2024-01-15T14:00:10Z -ToTime 2024-01-15T14:00:19Z
        $result.RecordCount | Should -Be 30
    }

    It 'refuses a target that is not empty, naming -Force, with nothing written' {
        Clear-BrokerRequest $broker
        $failure = { Restore-KafkaBackup ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders } | Should -Throw -ErrorId 'RestoreInvalid,*' -PassThru
        $failure.ErrorDetails.RecommendedAction | Should -BeLike '*-Force*'
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }

    It 'refuses -Purge without -Force' {
        { Restore-KafkaBackup ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders -Purge } | Should -Throw -ErrorId 'PurgeNeedsForce,*'
    }

    It 'refuses two backups of the pipeline that would meet in one partition, before any write (E9)' {
        $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders -Path ./b -BackupId again
        Clear-BrokerRequest $broker
        { Get-KafkaBackup ./b | Restore-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-both' } -ErrorAction Stop } | Should -Throw
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }

    It 'takes the keys of the guide from a file; dry_run writes the report' {
        Set-Content restore.yaml @"
mode: restore
backup_id: x
target:
  bootstrap_servers: [$($broker.Bootstrap)]
  topics:
    include: [orders, payments, "~events-\\d+"]
    exclude: ["*-internal", "__*"]
storage:
  backend: filesystem
  path: ./b
restore:
  time_window_start: 1705312800000
  time_window_end: 1705330800000
  source_partitions: [0, 1]
  topic_mapping:
    orders: orders-file
    payments: payments-file
  partition_mapping:
    0: 1
    1: 0
  consumer_group_strategy: header-based
  include_original_offset_header: true
  dry_run: true
  max_concurrent_partitions: 4
  produce_batch_size: 1000
  rate_limit_records_per_sec: 50000
  checkpoint_state: ./checkpoint.json
  checkpoint_interval_secs: 60
  reset_consumer_offsets: false
  consumer_groups: []
  offset_report: ./offset-mapping.json
"@
        $report = Restore-KafkaBackup -ConfigPath ./restore.yaml
        $report | Should -BeOfType KafkaBackup.RestoreReport
        $report.RecordCount | Should -Be 220
        (Get-Content restore.yaml) -replace 'dry_run: true', 'dry_run: false' | Set-Content restore.yaml
        $result = Restore-KafkaBackup -ConfigPath ./restore.yaml
        $result.RecordCount | Should -Be 220
        @(Get-BrokerRecord $broker orders-file 1)[0].value | Should -Be 'value-0-0'
        './offset-mapping.json' | Should -Exist
        './checkpoint.json' | Should -Not -Exist
    }
}

Describe 'Offsets' {
    It 'Get-KafkaOffsetMapping writes flat rows for a CSV' {
        Get-KafkaOffsetMapping ./b -BackupId x | Export-Csv mapping.csv
        $rows = Import-Csv mapping.csv
        $rows.Count | Should -Be 5
        $rows[0].SourceFirstOffset | Should -Be '0'
        $rows[0].TargetFirstOffset | Should -BeNullOrEmpty -Because 'a backup alone does not know where it was restored to'
    }

    It 'reads the report of a restore, by path or from the result' {
        $rows = @(Get-KafkaOffsetMapping -OffsetReportPath ./offsets.json)
        $rows.Count | Should -Be 3
        $rows[0].TargetTopic | Should -Be 'orders-recovered'
        $rows[0].ResetCommand | Should -BeLike 'kafka-consumer-groups*--topic orders-recovered:0*--to-offset 0*'
        $ready = Get-KafkaOffsetMapping -OffsetReportPath ./offsets.json -ConsumerGroup billing | Where-Object Partition -EQ 0
        $ready.TargetOffset | Should -Be 40
        $ready.ResetCommand | Should -BeLike '*--group billing*--to-offset 40*'
        $ready | Format-Table | Out-String | Should -BeLike '*Group*Source*Target*billing*orders/0*orders-recovered/0*40*'
    }

    It 'resets a group, saves what was before, and puts it back (F4)' {
        $result = Restore-KafkaBackup ./b -BackupId x -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-groups' } -OffsetStrategy HeaderBased -ResetConsumerGroup billing
        @(Get-GroupOffset $broker billing | Where-Object topic -EQ orders-groups).offset | Should -Be 40
        @(Get-GroupOffset $broker billing | Where-Object topic -EQ orders-groups).metadata | Should -Be 'here'
        $result.OffsetBackupPath | Should -Exist

        Clear-BrokerRequest $broker
        $result | Restore-KafkaConsumerOffset -BootstrapServer $broker.Bootstrap -WhatIf
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
        $result | Restore-KafkaConsumerOffset -BootstrapServer $broker.Bootstrap | Should -Not -BeNullOrEmpty
        @(Get-GroupOffset $broker billing | Where-Object topic -EQ orders-groups) | Should -BeNullOrEmpty
    }
}

Describe 'Invoke-KafkaTopicCompare' {
    It 'compares a backup with its cluster, a row per partition, -Summary one per topic' {
        $rows = @(Invoke-KafkaTopicCompare ./b -BackupId x -Topic payments -DifferenceBootstrapServer $broker.Bootstrap)
        $rows.Count | Should -Be 2
        $rows.Verdict | Sort-Object -Unique | Should -Be 'Equal'
        @(Compare-KafkaTopic ./b -BackupId x -Topic payments -DifferenceBootstrapServer $broker.Bootstrap -Summary).Count | Should -Be 1
    }

    It 'B15 writes the error of partitions that cannot be read, once, and shows it in the table' {
        $null = Invoke-RestMethod "$($broker.Control)/denials" -Method Post -Body '{"api":"Fetch","resource":"payments"}' -ContentType application/json
        try {
            $rows = @(Invoke-KafkaTopicCompare ./b -BackupId x -Topic payments -DifferenceBootstrapServer $broker.Bootstrap -ErrorVariable failed -ErrorAction SilentlyContinue)
            $rows.Verdict | Should -Be 'Failed', 'Failed'
            $failed.Count | Should -Be 1
            $failed[0].FullyQualifiedErrorId | Should -BeLike 'ClusterUnauthorized*'
            $rows | Format-Table | Out-String -Width 200 | Should -BeLike '*Reading topic payments was refused*'
        }
        finally { $null = Invoke-RestMethod "$($broker.Control)/denials" -Method Delete }
    }

    It 'warns when a topic is compared with itself' {
        $null = Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic payments -DifferenceTopic payments -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -BeLike '*compared with itself*'
    }

    It 'says where the first difference is' {
        $null = Invoke-RestMethod "$($broker.Control)/topics" -Method Post -Body '{"name":"payments-other","partitions":2}' -ContentType application/json
        Add-BrokerRecord $broker payments-other 0 10
        Add-BrokerRecord $broker payments-other 1 10 -Value changed
        $rows = @(Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic payments -DifferenceTopic payments-other)
        ($rows | Where-Object Partition -EQ 0).Equal | Should -BeTrue
        ($rows | Where-Object Partition -EQ 1).FirstDifference.What | Should -Be 'Value'
        Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic payments -DifferenceTopic payments-other -Quiet | Should -BeFalse
        Invoke-KafkaTopicCompare -BootstrapServer $broker.Bootstrap -Topic payments -DifferenceTopic payments-other -IgnoreValue -Quiet | Should -BeTrue
    }
}
