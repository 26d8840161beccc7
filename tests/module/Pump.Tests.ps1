BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    $manifest = Get-StagedModule
    Import-Module $manifest -Force
    $broker = Start-LocalBroker 'orders:3', 'broken:2'
    0..2 | ForEach-Object { Add-BrokerRecord $broker orders $_ 400 }
    0..1 | ForEach-Object { Add-BrokerRecord $broker broken $_ 50 }
    $null = Invoke-RestMethod "$($broker.Control)/topics/broken/partitions/1/corrupt" -Method Post -Body '{"offset":10}' -ContentType application/json
    Push-Location $TestDrive

    # Threads of the native client: none may be left when a cmdlet has ended.
    function Get-ClientThread {
        if (Test-Path /proc/self/task) { @(Get-Content "/proc/$PID/task/*/comm" -ErrorAction Ignore | Where-Object { $_ -like 'rdk:*' }) }
    }

    # The run after the one that was broken off.
    function Get-Continued([string] $BackupId) {
        Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Path ./store -BackupId $BackupId -Topic orders
    }

    # Every record of the topic, once: counted by reading every byte of the backup.
    function Assert-Whole([string] $BackupId) {
        $report = Test-KafkaRestore ./store -BackupId $BackupId -Topic orders -Offline -Deep
        $report.Findings | Where-Object Severity -EQ Error | Should -BeNullOrEmpty
        $report.RecordCount | Should -Be 1200
    }
}

AfterAll {
    Pop-Location
    Stop-LocalBroker $broker
}

Describe 'The exits of the pump' {
    AfterEach { Wait-Until { -not (Get-ClientThread) } -Seconds 10 -What 'the end of the client''s threads' }

    It 'the end: everything is written, $? is true' {
        $result = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Path ./store -BackupId end -Topic orders
        $? | Should -BeTrue
        $result.Status | Should -Be 'Complete'
        $result.RecordCount | Should -Be 1200
    }

    It 'Select-Object -First 1 on a stream stops the reading' {
        $null = Get-Continued first
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $records = @(Get-KafkaBackupRecord ./store -BackupId first -Topic orders | Select-Object -First 5)
        $records.Count | Should -Be 5
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 10
    }

    It 'a failing partition is an error that ends nothing, and $? is false (B15)' {
        $result = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Path ./store -BackupId partly -Topic broken, orders -ErrorVariable errors -ErrorAction SilentlyContinue
        $? | Should -BeFalse
        $errors.Count | Should -Be 1
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'PartitionRead,*'
        "$($errors[0].TargetObject)" | Should -Be 'broken/1'
        $errors[0].CategoryInfo.Category | Should -Be 'ReadError'
        $errors[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        $result.Status | Should -Be 'Incomplete'
        $result.ExitCode | Should -Be 1
        ($result.Topics | Where-Object Topic -EQ orders).RecordCount | Should -Be 1200
    }

    It '-ErrorAction Stop ends the run at the first failing partition and leaves a backup that continues' {
        { Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Path ./store -BackupId strict -Topic broken, orders -ErrorAction Stop } | Should -Throw -ErrorId 'PartitionRead,*'
        (Get-Continued strict).Status | Should -Be 'Complete'
        Assert-Whole strict
    }

    It 'an engine''s failure is a terminating error' {
        { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Path ./store -BackupId gone -Topic orders } | Should -Throw -ErrorId 'ClusterUnreachable,*'
    }

    It 'Ctrl+C during a backup leaves one that continues, with no hole and no duplicate (B13)' {
        $session = [powershell]::Create()
        $null = $session.AddScript("Set-Location '$TestDrive'; Import-Module '$manifest'; Start-KafkaBackup -BootstrapServer $($broker.Bootstrap) -Path ./store -BackupId broken-off -Topic orders -RecordsPerSecond 100 -MaxConcurrentPartition 1")
        $running = $session.BeginInvoke()
        Wait-Until { Test-Path (Join-Path $TestDrive 'store/broken-off') } -What 'the beginning of the run'
        Start-Sleep 2
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $session.Stop()
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 30
        $session.InvocationStateInfo.State | Should -Be 'Stopped'
        $running.IsCompleted | Should -BeTrue
        $session.Dispose()

        (Get-Continued broken-off).Status | Should -Be 'Complete'
        Assert-Whole broken-off
    }

    It 'Ctrl+C while no broker answers ends soon' {
        $silent = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $silent.Start()
        try {
            $session = [powershell]::Create()
            $null = $session.AddScript("Import-Module '$manifest'; Start-KafkaBackup -BootstrapServer 127.0.0.1:$($silent.LocalEndpoint.Port) -Path '$TestDrive/silent' -Topic orders")
            $null = $session.BeginInvoke()
            Start-Sleep 2
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $session.Stop()
            $watch.Elapsed.TotalSeconds | Should -BeLessThan 10
            $session.InvocationStateInfo.State | Should -Be 'Stopped'
        }
        finally { $silent.Stop() }
    }

    It 'a thread job is stopped in good order' {
        $bootstrap = $broker.Bootstrap
        $job = Start-ThreadJob { Set-Location $using:TestDrive; Import-Module $using:manifest; Start-KafkaBackup -BootstrapServer $using:bootstrap -Path ./store -BackupId job -Topic orders -Continuous }
        Wait-Until { Test-Path (Join-Path $TestDrive 'store/job') } -What 'the beginning of the run'
        Start-Sleep 1
        Stop-Job $job
        Wait-Until { $job.State -eq 'Stopped' } -What 'the end of the job'
        Remove-Job $job
        (Get-Continued job).Status | Should -Be 'Complete'
        Assert-Whole job
    }
}

Describe 'Signals' -Tag Long -Skip:$IsWindows {
    It '<Signal> during a backup leaves one that continues, and the script does not go on' -ForEach @(
        @{ Signal = 'TERM'; ExitCode = 143 }
        @{ Signal = 'INT'; ExitCode = $null }
    ) {
        $id = "signal-$Signal".ToLowerInvariant()
        $started = Start-FreshPwsh "Start-KafkaBackup -BootstrapServer $($broker.Bootstrap) -Path ./store -BackupId $id -Topic orders -RecordsPerSecond 100 -MaxConcurrentPartition 1 | Out-Null`n'went on' | Set-Content went-on-$id" $TestDrive
        Wait-Until { Test-Path (Join-Path $TestDrive "store/$id") } -What 'the beginning of the run'
        Start-Sleep 2
        & kill "-$Signal" $started.Process.Id
        $ended = $started | Wait-FreshPwsh -Seconds 40
        if ($null -ne $ExitCode) { $ended.ExitCode | Should -Be $ExitCode }
        Join-Path $TestDrive "went-on-$id" | Should -Not -Exist

        $result = Get-Continued $id
        $result.Status | Should -Be 'Complete'
        $result.RecordCount | Should -BeLessThan 1200 -Because 'what was read before the signal is not read again'
        Assert-Whole $id
    }

    It 'KILL leaves a backup that continues' {
        $started = Start-FreshPwsh "Start-KafkaBackup -BootstrapServer $($broker.Bootstrap) -Path ./store -BackupId killed -Topic orders -RecordsPerSecond 100 -MaxConcurrentPartition 1" $TestDrive
        Wait-Until { Test-Path (Join-Path $TestDrive 'store/killed') } -What 'the beginning of the run'
        Start-Sleep 1
        $started.Process.Kill()
        $started.Process.WaitForExit()
        $info = $null
        Wait-Until { try { $info = Get-Continued killed; $true } catch { if ($_.FullyQualifiedErrorId -notlike 'BackupLocked,*') { throw }; $false } } -Seconds 90 -What 'the dead owner''s lock'
        Assert-Whole killed
    }
}

Describe 'Streams' {
    It '-Verbose reads like a log of what happened' {
        $lines = @(Start-KafkaBackup -BootstrapServer $broker.Bootstrap -Path ./store -BackupId told -Topic orders -Verbose 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] } | ForEach-Object Message)
        $lines[0] | Should -BeLike "Back up 1 topic (3 partitions, 1,200 records at most) as the new backup 'told'*"
        $lines[-1] | Should -BeLike "*backup 'told' ended: Complete, 1200 records*"
    }

    It 'progress shows records, rate and remaining time' {
        $session = [powershell]::Create()
        $null = $session.AddScript("Import-Module '$manifest'; Start-KafkaBackup -BootstrapServer $($broker.Bootstrap) -Path '$TestDrive/store' -BackupId shown -Topic orders -RecordsPerSecond 400")
        $null = $session.Invoke()
        $overall = @($session.Streams.Progress | Where-Object ActivityId -EQ 1)
        $overall.Count | Should -BeGreaterThan 2
        $overall[1].StatusDescription | Should -Match '^[\d,]+ of [\d,]+ records, [\d,]+/s$'
        @($overall | Where-Object SecondsRemaining -GE 0).Count | Should -BeGreaterThan 0
        $overall[-1].RecordType | Should -Be 'Completed'
        @($session.Streams.Progress | Where-Object { $_.ParentActivityId -eq 1 -and $_.Activity -eq 'orders' }).Count | Should -BeGreaterThan 0
        $session.Dispose()
    }
}
