# Names that want to be more than names: in shells, on the terminal.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $escape = "$([char]27)]0;owned$([char]7)$([char]0x202E)"

    function Write-Report([string] $Path, [string[]] $Group = @('billing'), [string[]] $Topic = @('orders', 'payments'), [string] $Target = 'broker:9092') {
        @{
            version = 1; backup_id = 'b'; created_at = '2026-01-01T00:00:00+00:00'; target = $Target
            partitions = @($Topic | ForEach-Object { @{ source_topic = $_; source_partition = 0; target_topic = $_; target_partition = 0; first_timestamp = 1; last_timestamp = 2; ranges = @(, @(0, 100, 10)) } })
            groups = @($Group | ForEach-Object { @{ group = $_; offsets = @(@{ topic = 'orders'; partition = 0; source_offset = 5; metadata = "note$escape" }) } })
        } | ConvertTo-Json -Depth 6 | Set-Content $Path
    }

    function Get-Shown($Value) { $Value | Format-Table | Out-String; $Value | Format-List | Out-String }
    Push-Location $TestDrive
}

AfterAll { Pop-Location }

Describe 'The ready command' {
    BeforeAll {
        $tools = (New-Item -ItemType Directory (Join-Path $TestDrive 'tools')).FullName
        if (-not $IsWindows) {
            Set-Content (Join-Path $tools kafka-consumer-groups) "#!/bin/sh`nprintf '%s\n' `"`$@`""
            chmod +x (Join-Path $tools kafka-consumer-groups)
        }
        $path = $env:PATH
        $env:PATH = "$tools$([IO.Path]::PathSeparator)$path"
    }

    AfterAll { $env:PATH = $path }

    It 'means the same to PowerShell and sh: <_>' -Skip:$IsWindows -ForEach 'billing', '007', '1e3', '0x10', '1.0', '1kb', '-x', '-foo.bar', '--execute', '-', '--', '.', 'true', 'a.b_c-d' {
        Write-Report ./plain.json -Group $_ -Target 'a:9092,[::1]:9093'
        $row = Get-KafkaOffsetMapping -OffsetReportPath ./plain.json -ConsumerGroup '*'
        $expected = '--bootstrap-server', 'a:9092,[::1]:9093', '--group', $_, '--topic', 'orders:0', '--reset-offsets', '--to-offset', '105', '--execute'
        @(Invoke-Expression $row.ResetCommand) | Should -Be $expected
        @(sh -c $row.ResetCommand) | Should -Be $expected
        $arguments = $row.ResetArguments
        @(kafka-consumer-groups @arguments) | Should -Be $expected
    }

    It 'is none for <_>, and its arguments stay one name' -Skip:$IsWindows -ForEach "g';touch FILE;#", '$(touch FILE)', '`touch FILE`', '@(touch FILE)', '; touch FILE', 'a b', '-a:b' {
        Write-Report ./hostile.json -Group $_
        $row = Get-KafkaOffsetMapping -OffsetReportPath ./hostile.json -ConsumerGroup '*'
        $row.ResetCommand | Should -BeNullOrEmpty
        $row.ConsumerGroup | Should -BeExactly $_
        $arguments = $row.ResetArguments
        @(kafka-consumer-groups @arguments)[3] | Should -BeExactly $_
        './FILE' | Should -Not -Exist
    }

    It 'is none for <_>, and has no arguments: they would be expanded' -ForEach '*', '?', '[ab]', '~/x', '%PATH%', 'a&b', 'a"b', '--%' {
        Write-Report ./expanded.json -Group $_
        $row = Get-KafkaOffsetMapping -OffsetReportPath ./expanded.json -ConsumerGroup '~.'
        $row.TargetOffset | Should -Be 105
        $row.ResetCommand | Should -BeNullOrEmpty
        $row.ResetArguments | Should -BeNullOrEmpty
    }

    It 'comes from no report with a topic that is none' {
        Write-Report ./topic.json -Topic 'orders;touch FILE'
        { Get-KafkaOffsetMapping -OffsetReportPath ./topic.json } | Should -Throw -ErrorId 'OffsetFileInvalid*'
    }
}

Describe 'A collection of names' {
    It 'is a list of names, not one name: <Name>' -ForEach @(
        @{ Name = 'keys of a map'; Value = @{ orders = 'a'; payments = 'b' }.Keys }
        @{ Name = 'values of a map'; Value = @{ a = 'orders'; b = 'payments' }.Values }
        @{ Name = 'a set'; Value = [Collections.Generic.HashSet[string]] @('orders', 'payments') }
        @{ Name = 'keys beside a name'; Value = @('payments', @{ orders = 'a' }.Keys) }
        @{ Name = 'an array'; Value = 'orders', 'payments' }
        @{ Name = 'a pattern'; Value = '*' }
    ) {
        Write-Report ./topics.json
        (Get-KafkaOffsetMapping -OffsetReportPath ./topics.json -Topic $Value).Topic | Should -Be 'orders', 'payments'
    }

    It 'is asked for where a map is given' {
        { Get-KafkaOffsetMapping -OffsetReportPath ./topics.json -Topic @{ orders = 'a' } } | Should -Throw '*$map.Keys*'
    }

    It 'is what a pattern with spaces is told to be' {
        $failure = { Get-KafkaOffsetMapping -OffsetReportPath ./topics.json -Topic 'orders payments' } | Should -Throw -ErrorId 'InvalidPattern*' -PassThru
        $failure.ErrorDetails.RecommendedAction | Should -BeLike '*as a list*'
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeLike '*regular expression*'
    }
}

Describe 'What a terminal is shown' {
    BeforeAll {
        $rendering = $PSStyle.OutputRendering
        $PSStyle.OutputRendering = 'Ansi'
    }

    AfterAll { $PSStyle.OutputRendering = $rendering }

    It 'has no escape sequence of a <Name>, and the object has its exact text' -ForEach @(
        @{ Name = 'group'; Make = { Write-Report ./g.json -Group "g$escape"; Get-KafkaOffsetMapping -OffsetReportPath ./g.json -ConsumerGroup '*' }; Exact = { $args[0].ConsumerGroup } }
        @{ Name = 'finding'; Make = { [KafkaBackup.Finding]::new('Warning', 'Gap', "p$escape", "m$escape", "a$escape") }; Exact = { $args[0].Message } }
        @{ Name = 'gap'; Make = { [KafkaBackup.GapInfo]::new("t$escape", 0, 1, 2, "r$escape") }; Exact = { $args[0].Reason } }
        @{ Name = 'header'; Make = { [KafkaBackup.RecordHeader]::new("k$escape", "v$escape") }; Exact = { $args[0].Key } }
        @{ Name = 'difference'; Make = { [KafkaBackup.RecordDifference]::new(1, 2, 'Value', "l$escape", "r$escape") }; Exact = { $args[0].ReferenceShown } }
    ) {
        $value = & $Make
        & $Exact $value | Should -Match "$([char]27)"
        $Error.Clear()
        $shown = Get-Shown $value
        $Error | Should -BeNullOrEmpty
        "$shown" | Should -Match ']0;owned'
        "$shown" | Should -Not -Match "$([char]27)]|$([char]7)|$([char]0x202E)"
    }

    It 'has no escape sequence of an error' {
        Write-Report ./e.json -Topic "t$escape"
        $failure = { Get-KafkaOffsetMapping -OffsetReportPath ./e.json } | Should -Throw -ErrorId 'OffsetFileInvalid*' -PassThru
        $failure.Exception.Message | Should -Match "$([char]27)"
        foreach ($view in 'ConciseView', 'NormalView', 'CategoryView') {
            $ErrorView = $view
            $failure | Out-String | Should -Not -Match "$([char]27)]|$([char]7)|$([char]0x202E)"
        }
    }
}
