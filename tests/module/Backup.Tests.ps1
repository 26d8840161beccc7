BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $broker = Start-LocalBroker 'orders:3', 'payments:2', 'audit:1'
    0..2 | ForEach-Object { Add-BrokerRecord $broker orders $_ 100 }
    0..1 | ForEach-Object { Add-BrokerRecord $broker payments $_ 10 }
    Set-GroupOffset $broker billing orders 0 40 'here'
    # Pester empties the test drive after each block: what all blocks read lies elsewhere.
    $folder = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "kafkabackup-$([guid]::NewGuid())")).FullName
    Push-Location $folder
    $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders, payments -Path ./b -BackupId csv
    $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./b -BackupId other
}

AfterAll {
    Pop-Location
    Remove-Item $folder -Recurse -Force
    Stop-LocalBroker $broker
}

Describe 'Start-KafkaBackup' {
    It 'takes names and patterns, and its result goes into a CSV with numbers as numbers (H3)' {
        Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic 'orders', '~^pay' -Path ./first -BackupId csv | Export-Csv run.csv
        $row = Import-Csv run.csv
        $row.Status | Should -Be 'Complete'
        $row.RecordCount | Should -Be '320'
        $row.TopicCount | Should -Be '2'
        $row.FirstTimestampMs | Should -Be '1705327200000'
        $row.Topics | Should -BeLike 'orders: 300 records in 3 partitions;*'
        $row.PSObject.Properties.Value | Should -Not -BeLike '*System.Collections*'
    }

    It 'continues a backup that is there (B8)' {
        $first = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./b -BackupId grows
        Add-BrokerRecord $broker audit 0 7
        $second = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./b -BackupId grows
        $first.RecordCount | Should -Be 0
        $second.RecordCount | Should -Be 7
    }

    It 'makes an id of the time when none is given' {
        (Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./b).BackupId | Should -Match '^backup-\d{8}-\d{6}$'
    }

    It 'is also called Backup-KafkaTopic' {
        (Backup-KafkaTopic -BootstrapServer $broker.Bootstrap -Topic audit -Path ./b -BackupId alias).Status | Should -Be 'Complete'
    }

    It 'stops a continuous backup after -Duration (B10)' {
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $result = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./b -BackupId follows -Continuous -Duration 2s
        $watch.Elapsed.TotalSeconds | Should -BeGreaterThan 1.5
        $result.RecordCount | Should -Be 7
    }

    It 'under -WhatIf shows the plan and writes nothing anywhere (H1)' {
        Clear-BrokerRequest $broker
        $result = Invoke-FreshPwsh "Start-KafkaBackup -BootstrapServer $($broker.Bootstrap) -Topic orders -Path ./untouched -BackupId none -WhatIf" $folder
        $result.Output | Should -BeLike "*What if: *1 topic (3 partitions, 300 records at most)*'none'*"
        Join-Path $folder untouched | Should -Not -Exist
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }

    It 'names what is there when nothing matches (A9)' {
        $failure = { Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic '~^nothing' -Path ./b } | Should -Throw -ErrorId 'NothingMatched,*' -PassThru
        "$failure" | Should -BeLike '*orders*'
    }

    It 'takes what it needs from a file, and parameters override it (A6, H4)' {
        $null = New-Item -ItemType Directory conf -Force
        Set-Content conf/backup.yaml @"
mode: backup
backup_id: from-file
source:
  bootstrap_servers:
    - `${TEST_KAFKA}
  topics:
    include: [orders, "~^pay"]
    exclude: ["*ments"]
storage:
  backend: filesystem
  path: ./beside
backup:
  compression: gzip
"@
        $env:TEST_KAFKA = $broker.Bootstrap
        $fromFile = Start-KafkaBackup -ConfigPath ./conf/backup.yaml
        $fromFile.BackupId | Should -Be 'from-file'
        $fromFile.Topics.Topic | Should -Be 'orders'
        $fromFile.Path | Should -Be (Join-Path $folder 'conf' 'beside')
        $overridden = Start-KafkaBackup -ConfigPath ./conf/backup.yaml -BackupId other -Topic payments -ExcludeTopic none -Path ./elsewhere
        $overridden.Topics.Topic | Should -Be 'payments'
        $overridden.Path | Should -Be (Join-Path $folder 'elsewhere')
    }

    It 'refuses an unknown key with file, line and the nearest known one (A2)' {
        Set-Content wrong.yaml "mode: backup`nsource:`n  bootstrap_server: [a:1]"
        $failure = { Start-KafkaBackup -ConfigPath ./wrong.yaml } | Should -Throw -ErrorId 'ConfigUnknownKey,*' -PassThru
        "$failure" | Should -BeLike '*wrong.yaml*3*bootstrap_servers*'
    }

    It 'works on a PSDrive' {
        $null = New-PSDrive -Name vault -PSProvider FileSystem -Root $folder
        try { (Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path vault:/on-drive -BackupId x).Path | Should -Be (Join-Path $folder 'on-drive') }
        finally { Remove-PSDrive vault }
    }
}

Describe 'Get-KafkaBackup' {
    It 'lists backups as objects that can be filtered' {
        $recent = @(Get-KafkaBackup ./b | Where-Object CreatedAt -GT (Get-Date).AddDays(-1))
        $recent.BackupId | Should -Contain 'csv'
        (Get-KafkaBackup ./b -BackupId ot*).BackupId | Should -Be 'other'
    }

    It 'narrows its topics and knows the groups' {
        $info = Get-KafkaBackup ./b -BackupId csv -Topic payments
        $info.Topics.Topic | Should -Be 'payments'
        (Get-KafkaBackup ./b -BackupId csv).ConsumerGroups.Group | Should -Contain 'billing'
    }

    It 'says so when there is no such store' {
        { Get-KafkaBackup ./nowhere } | Should -Throw -ErrorId 'StoreNotFound,*'
    }
}

Describe 'Get-KafkaBackupRecord' {
    It '-Last 10 gives the ten newest of each partition, and a table' {
        $records = @(Get-KafkaBackupRecord ./b -BackupId csv -Topic orders -Last 10)
        $records.Count | Should -Be 30
        ($records | Where-Object Partition -EQ 1).Offset | Sort-Object | Should -Be (90..99)
        $records | Format-Table | Out-String | Should -BeLike '*Offset*user-99*'
    }

    It '-Key finds the records of one key' {
        $records = @(Get-KafkaBackupRecord ./b -BackupId csv -Topic orders -Key 'user-42')
        $records.Count | Should -Be 3
        $records.Key | Sort-Object -Unique | Should -Be 'user-42'
        $records[0].Timestamp.UtcDateTime | Should -Be ([DateTimeOffset]::FromUnixTimeMilliseconds(1705327200000 + 42000).UtcDateTime)
    }

    It '-Offset gives one record of a partition' {
        (Get-KafkaBackupRecord ./b -BackupId csv -Topic orders -Partition 2 -Offset 34).Value | Should -Be 'value-2-34'
    }

    It '-FromTime and -ToTime are inclusive at both ends (A5)' {
        $records = @(Get-KafkaBackupRecord ./b -BackupId csv -Topic orders -Partition 0 -FromTime 2024-01-15T14:00:10Z -ToTime 2024-01-15T14:00:20Z)
        $records.Offset | Should -Be (10..20)
    }

    It '-AsByteStream gives bytes' {
        (Get-KafkaBackupRecord ./b -BackupId csv -Topic orders -Partition 0 -First 1 -AsByteStream).Value | Should -BeOfType byte
    }

    It 'takes backups from the pipeline' {
        @(Get-KafkaBackup ./b -BackupId csv | Get-KafkaBackupRecord -Topic orders -First 1).Count | Should -Be 3
    }

    It 'one missing backup of several is an error that ends nothing' {
        $ids = [pscustomobject]@{ Path = './b'; BackupId = 'missing' }, [pscustomobject]@{ Path = './b'; BackupId = 'csv' }
        $records = @($ids | Get-KafkaBackupRecord -Topic orders -First 1 -ErrorVariable errors -ErrorAction SilentlyContinue)
        $records.Count | Should -Be 3
        $errors.Count | Should -Be 1
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'BackupNotFound,*'
    }
}

Describe 'Get-KafkaTopicRecord and Measure-KafkaTopic' {
    It 'shows the last ten of each partition, and commits nothing' {
        Clear-BrokerRequest $broker
        @(Get-KafkaTopicRecord -BootstrapServer $broker.Bootstrap -Topic orders).Count | Should -Be 30
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }

    It 'does not wait for records that are not there' {
        @(Get-KafkaTopicRecord -BootstrapServer $broker.Bootstrap -Topic payments -Last 1000).Count | Should -Be 20
    }

    It 'measures partitions, and topics with -Summary' {
        $rows = @(Measure-KafkaTopic -BootstrapServer $broker.Bootstrap -Topic orders -Duration 1s)
        $rows.Count | Should -Be 3
        ($rows | Measure-Object RecordCount -Sum).Sum | Should -Be 300
        @(Measure-KafkaTopic -BootstrapServer $broker.Bootstrap -Topic orders -Duration 1s -Summary).Count | Should -Be 1
    }
}

Describe 'Caring for backups' {
    It 'Test-KafkaBackup finds nothing in a sound one, and names a flipped byte' {
        Test-KafkaBackup ./b -BackupId csv -Deep -Quiet | Should -BeTrue
        $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders -Path ./b -BackupId flipped
        $segment = Get-ChildItem ./b/flipped -Recurse -Filter *.kbs | Select-Object -First 1
        $bytes = [IO.File]::ReadAllBytes($segment.FullName)
        $bytes[[int]($bytes.Length / 2)] = $bytes[[int]($bytes.Length / 2)] -bxor 1
        [IO.File]::WriteAllBytes($segment.FullName, $bytes)
        $report = Test-KafkaBackup ./b -BackupId flipped -Deep
        $report.Status | Should -Be 'Invalid'
        "$($report.Findings.Place)" | Should -BeLike "*$($segment.Name)*"
    }

    It 'Repair-KafkaBackup -WhatIf and Remove-KafkaBackup -WhatIf touch nothing (H1)' {
        $before = Get-ChildItem ./b -Recurse -File | ForEach-Object { "$($_.FullName) $($_.Length) $($_.LastWriteTimeUtc.Ticks)" }
        Repair-KafkaBackup ./b -BackupId csv -WhatIf
        Remove-KafkaBackup ./b -BackupId other -WhatIf
        Get-ChildItem ./b -Recurse -File | ForEach-Object { "$($_.FullName) $($_.Length) $($_.LastWriteTimeUtc.Ticks)" } | Should -Be $before
    }

    It 'Remove-KafkaBackup removes from the pipeline, but not the last complete backup' {
        foreach ($id in 'one', 'two') { $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./few -BackupId $id }
        (Get-KafkaBackup ./few -BackupId one | Remove-KafkaBackup -Confirm:$false).WholeBackup | Should -BeTrue
        (Get-KafkaBackup ./few).BackupId | Should -Be 'two'
        { Remove-KafkaBackup ./few -BackupId two } | Should -Throw -ErrorId 'LastCompleteBackup,*'
        (Remove-KafkaBackup ./few -BackupId two -Force).Applied | Should -BeTrue
    }

    It 'Remove-KafkaBackup asks before a whole backup goes, and where nobody can answer it says so (N2)' {
        foreach ($id in 'one', 'two', 'three') { $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic audit -Path ./asked -BackupId $id }
        $script = "
            try { Remove-KafkaBackup '$PWD/asked' -BackupId one } catch { `$_.FullyQualifiedErrorId }
            (Get-KafkaBackup '$PWD/asked').BackupId -join ' '
            Remove-KafkaBackup '$PWD/asked' -BackupId one -WhatIf
            (Remove-KafkaBackup '$PWD/asked' -BackupId one -Confirm:`$false).BackupId
            `$ConfirmPreference = 'None'
            (Remove-KafkaBackup '$PWD/asked' -BackupId two).BackupId
            (Get-KafkaBackup '$PWD/asked').BackupId -join ' '"
        $lines = (Invoke-FreshPwsh $script $TestDrive).Lines | Where-Object { $_ -notlike 'What if:*' }
        $lines | Should -Be 'ConfirmationNeeded,KafkaBackup.Commands.RemoveKafkaBackupCommand', 'one three two', 'one', 'two', 'three'
    }
}
