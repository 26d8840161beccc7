BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $broker = Start-LocalBroker 'orders:3', 'payments:2', 'live-test:3', 'blogs:3', 'blogs-restored:3', 'holed:3', 'lively:3', 'aging:1'
    0..2 | ForEach-Object { Add-BrokerRecord $broker orders $_ 100 }
    0..1 | ForEach-Object { Add-BrokerRecord $broker payments $_ 10 }
    Push-Location $TestDrive
    $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic orders, payments -Path ./store -BackupId nightly
    $remover = "-RemoveTopic { param(`$name) Invoke-RestMethod `"$($broker.Control)/topics/`$name`" -Method Delete }"

    function Get-TopicName { Invoke-RestMethod "$($broker.Control)/topics" | ForEach-Object { $_ } }
}

AfterAll {
    Pop-Location
    Stop-LocalBroker $broker
}

Describe 'point-in-time-restore.ps1' -Tag Long {
    It 'under -WhatIf shows the plan and writes nothing (H1)' {
        Clear-BrokerRequest $broker
        $run = Invoke-Example point-in-time-restore.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -Topic orders -ToTime 2024-01-15T14:00:09.999Z -WhatIf"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        $run.Output | Should -BeLike '*The plan is Valid*: 30 records*What if:*'
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }

    It 'brings topics back to the millisecond, next to the ones that are there' {
        $run = Invoke-Example point-in-time-restore.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -Topic orders, payments -ToTime 2024-01-15T14:00:05Z -Suffix .before"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        0..2 | ForEach-Object { @(Get-BrokerRecord $broker orders.before $_).value[-1] | Should -Be "value-$_-5" }
        @(Get-BrokerRecord $broker payments.before 1).Count | Should -Be 6
        './offset-mapping-nightly.before.json' | Should -Exist
    }

    It 'restores what it planned when -ToTime counts from now (N3)' {
        # More records come of age every second, so that a second look at the clock would show.
        $now = [DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds()
        Add-BrokerRecord $broker aging 0 1200 ($now - 60000) 100
        $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic aging -Path ./store -BackupId aging
        $run = Invoke-Example point-in-time-restore.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -BackupId aging -Topic aging -ToTime -1s"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        $run.Output | Should -Match 'Planned (\d+), restored \1, later than the instant: 0'
    }

    It 'ends with 3 when the targets are in use, and writes nothing' {
        Clear-BrokerRequest $broker
        $run = Invoke-Example point-in-time-restore.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -Topic orders -ToTime 2024-01-15T14:00:05Z -Suffix .before"
        $run.ExitCode | Should -Be 3
        $run.Output | Should -BeLike '*Error*not empty*'
        Get-BrokerWrite $broker | Should -BeNullOrEmpty
    }

    It 'names what is missing, and a backup that does not hold the topics' {
        $run = Invoke-Example point-in-time-restore.ps1 "-BootstrapServer '$($broker.Bootstrap)'"
        $run.ExitCode | Should -Be 3
        $run.Error | Should -BeLike '*-Path, -Topic, -ToTime*'
        (Invoke-Example point-in-time-restore.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -Topic other -ToTime -1h").Error | Should -BeLike '*holds other*'
    }
}

Describe 'What an administrator must be told before' -Tag Long {
    It 'old records go into a new topic whose retention would delete them (D4)' {
        $finding = @((Test-KafkaRestore ./store -BackupId nightly -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-old' }).Findings | Where-Object Kind -EQ Retention)
        $finding.Count | Should -Be 1
        $finding[0].Severity | Should -Be 'Warning'
        $finding[0].Advice | Should -BeLike "*-TopicConfig @{ 'retention.ms' = '-1' }*"
        (Test-KafkaRestore ./store -BackupId nightly -BootstrapServer $broker.Bootstrap -Topic orders -TopicMap @{ orders = 'orders-old' } -TopicConfig @{ 'retention.ms' = '-1' }).Status | Should -Be 'Valid'
    }

    It '-Purge would delete what is there: -WhatIf says so' {
        $run = Invoke-FreshPwsh "Restore-KafkaBackup ./store -BackupId nightly -BootstrapServer $($broker.Bootstrap) -Topic payments -Purge -Force -WhatIf"
        $run.Output | Should -BeLike '*What if:*payments -> payments (ITS RECORDS ARE DELETED FIRST): 2 partitions*'
        @(Get-BrokerRecord $broker payments 0).Count | Should -Be 10
    }
}

Describe 'restore-drill.ps1' -Tag Long {
    It 'restores into scratch topics, compares, reports, and cleans up' {
        $run = Invoke-Example restore-drill.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -ReportFolder ./drill $remover"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        $rows = @(Import-Csv drill/drill.csv)
        $rows.Count | Should -Be 5
        $rows.Verdict | Sort-Object -Unique | Should -Be 'Equal'
        ($rows | Measure-Object ComparedCount -Sum).Sum | Should -Be 320
        (Get-Content drill/drill.json -Raw | ConvertFrom-Json).RecordCount | Should -Be 320
        Get-TopicName | Should -Not -BeLike 'drill-*'
    }

    It 'says so, with 5, when nobody knows how to delete the scratch topics' {
        $run = Invoke-Example restore-drill.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./store -Topic payments -ReportFolder ./left" -Variable @{ PATH = (Split-Path (Get-Process -Id $PID).Path) }
        $run.ExitCode | Should -Be 5 -Because "$($run.Output) $($run.Error)"
        $name = (Get-Content left/drill.json -Raw | ConvertFrom-Json).TopicsLeft
        $name | Should -BeLike 'drill-*-payments'
        Get-TopicName | Should -Contain $name
    }

    It 'ends with a failure when the backup is damaged, and still cleans up' {
        $null = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic payments -Path ./damaged -BackupId one
        $segment = @(Get-ChildItem damaged -Recurse -Filter *.kbs)[0].FullName
        $bytes = [IO.File]::ReadAllBytes($segment)
        $bytes[$bytes.Length / 2] = $bytes[$bytes.Length / 2] -bxor 4
        [IO.File]::WriteAllBytes($segment, $bytes)
        $before = @(Get-TopicName).Count
        $run = Invoke-Example restore-drill.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Path ./damaged -ReportFolder ./bad $remover"
        $run.ExitCode | Should -BeIn 1, 3, 4 -Because "$($run.Output) $($run.Error)"
        (Get-Content bad/drill.json -Raw | ConvertFrom-Json).Check | Should -Be 'Invalid'
        @(Get-TopicName).Count | Should -Be $before
    }
}

Describe 'live-producer.ps1' -Tag Long {
    It 'proves all four rows' {
        $producer = "-Producer { param(`$servers, `$topic, `$n) `$records = 1..20 | ForEach-Object { @{ key = `"k`$_`"; value = `"message `$n-`$_`"; timestamp = [DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds() } }; `$null = Invoke-RestMethod `"$($broker.Control)/topics/`$topic/partitions/`$(`$n % 3)/records`" -Method Post -Body (ConvertTo-Json @{ records = `$records } -Depth 4) -ContentType application/json }"
        $run = Invoke-Example live-producer.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Topic live-test -Path ./live $producer"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        1..4 | ForEach-Object { $run.Output | Should -BeLike "*Row $_, *: holds.*" }
    }

    It 'refuses a topic that is not its own' {
        $run = Invoke-Example live-producer.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Topic orders -Path ./live"
        $run.ExitCode | Should -Be 3
        $run.Error | Should -BeLike '*orders is not empty*'
    }
}

Describe 'hot-snapshot-proof.ps1' -Tag Long {
    BeforeAll {
        # A snapshot as seeds of trouble have it: partition 1 lost its newest records, partition 2 went on longer.
        0..2 | ForEach-Object { Add-BrokerRecord $broker blogs $_ 100 }
        Add-BrokerRecord $broker blogs-restored 0 90
        Add-BrokerRecord $broker blogs-restored 1 70
        Add-BrokerRecord $broker blogs-restored 2 95
        Add-BrokerRecord $broker holed 0 90
        Add-BrokerRecord $broker holed 1 40
        Add-BrokerRecord $broker holed 1 20 -FirstTimestamp (1705327200000 + 60000)
        Add-BrokerRecord $broker holed 2 95
    }

    It 'sees even heads, uneven heads, and an equal common tail' {
        $run = Invoke-Example hot-snapshot-proof.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Topic blogs -DifferenceTopic blogs-restored | ForEach-Object { `"`$(`$_.Assumption) `$(`$_.Holds) `$(`$_.Evidence)`" }"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        $run.Lines[0] | Should -BeLike '1 True 0 s apart*'
        $run.Lines[1] | Should -BeLike '2 False 25 s apart*1 at offset 69*'
        $run.Lines[2] | Should -BeLike '3 True *compared and equal*'
    }

    It 'sees even heads in what a backup with a consistent cut brings back' {
        Add-BrokerRecord $broker lively 0 90
        Add-BrokerRecord $broker lively 1 70
        Add-BrokerRecord $broker lively 2 95
        Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Topic lively -Path ./cut -BackupId cut -ConsistentAt ([DateTimeOffset]::FromUnixTimeMilliseconds(1705327200000 + 50000)) |
            Restore-KafkaBackup -BootstrapServer $broker.Bootstrap -TopicMap @{ lively = 'lively-even' } | ForEach-Object Status | Should -Be Complete
        $run = Invoke-Example hot-snapshot-proof.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Topic lively -DifferenceTopic lively-even | ForEach-Object { `"`$(`$_.Assumption) `$(`$_.Holds) `$(`$_.Evidence)`" }"
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        $run.Lines[0] | Should -BeLike '1 False 25 s apart*'
        $run.Lines[1] | Should -BeLike '2 True 0 s apart*'
        $run.Lines[2] | Should -BeLike '3 True *compared and equal*'
    }

    It 'ends with 4 when a segment is missing in the middle' {
        $run = Invoke-Example hot-snapshot-proof.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Topic blogs -DifferenceTopic holed | ForEach-Object { `"`$(`$_.Assumption) `$(`$_.Holds) `$(`$_.Evidence)`" }"
        $run.ExitCode | Should -Be 4 -Because "$($run.Output) $($run.Error)"
        $run.Lines[2] | Should -BeLike '3 False partition 1:*'
    }
}
