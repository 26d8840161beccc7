BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    # A refusal by a parameter comes before anything else; what passes the parameters fails later, for want of everything else.
    function Get-Outcome([scriptblock] $Call) {
        try { & $Call; 'none' } catch { [pscustomobject]@{ Id = ($_.FullyQualifiedErrorId -split ',')[0]; Message = "$_"; Inner = $_.Exception.InnerException.InnerException ?? $_.Exception.InnerException } }
    }
}

Describe 'Times (A5a)' {
    It 'understands <Name>' -ForEach @(
        @{ Name = 'ISO 8601 in UTC'; Value = '2024-01-15T15:00Z' }
        @{ Name = 'ISO 8601 with an offset'; Value = '2024-01-15T15:00:00+01:00' }
        @{ Name = 'epoch milliseconds'; Value = 1705330800000 }
        @{ Name = 'epoch milliseconds as text'; Value = '1705330800000' }
        @{ Name = 'a span before now'; Value = '-2h' }
        @{ Name = 'days before now'; Value = '-7d' }
        @{ Name = 'now'; Value = 'now' }
        @{ Name = 'DateTimeOffset'; Value = [DateTimeOffset]::UtcNow }
        @{ Name = 'a local DateTime'; Value = (Get-Date).AddDays(-1) }
        @{ Name = 'a UTC DateTime'; Value = [DateTime]::UtcNow }
    ) {
        (Get-Outcome { Restore-KafkaBackup -ToTime $Value }).Id | Should -Be 'MissingSettings'
    }

    It 'understands what is typed without quotes' {
        (Get-Outcome { Restore-KafkaBackup -FromTime -7d -ToTime -30s }).Id | Should -Be 'MissingSettings'
    }

    It 'refuses <Name> and names the valid forms' -ForEach @(
        @{ Name = 'a time without zone'; Value = '2024-01-15 15:00'; Says = '*2024-01-15T15:00Z*' }
        @{ Name = 'seconds'; Value = 1705330800; Says = '*looks like seconds*1705330800000*' }
        @{ Name = 'a word'; Value = 'yesterday'; Says = '*epoch milliseconds*ISO 8601*-2h*' }
        @{ Name = 'a DateTime of no kind'; Value = [DateTime]::new(2024, 1, 15, 15, 0, 0); Says = "*2024-01-15T15:00:00Z*" }
    ) {
        $outcome = Get-Outcome { Restore-KafkaBackup -ToTime $Value }
        $outcome.Id | Should -Be 'ParameterArgumentTransformationError'
        $outcome.Message | Should -BeLike $Says
        $outcome.Inner | Should -BeOfType KafkaBackup.KafkaBackupException
        $outcome.Inner.ErrorId | Should -Be 'InvalidTime'
    }
}

Describe 'Durations (A5a)' {
    It 'understands <_>' -ForEach '30s', '5m', '2h', '1d', '00:05:00', ([timespan]::FromSeconds(3)) {
        (Get-Outcome { Start-KafkaBackup -Duration $_ -BootstrapServer 127.0.0.1:1 }).Id | Should -Be 'MissingSettings'
    }

    It 'understands what PowerShell reads as numbers: 30s, 1d' {
        (Get-Outcome { Start-KafkaBackup -Duration 30s }).Id | Should -Be 'MissingSettings'
        (Get-Outcome { Start-KafkaBackup -Duration 1d }).Id | Should -Be 'MissingSettings'
    }

    It 'refuses a bare number and says how to write it' {
        $outcome = Get-Outcome { Start-KafkaBackup -Duration 60 }
        $outcome.Id | Should -Be 'ParameterArgumentTransformationError'
        $outcome.Message | Should -BeLike '*60s*60m*60h*'
    }
}

Describe 'Sizes' {
    It 'understands <_>' -ForEach '64MB', '1GiB', 67108864, '67108864' {
        (Get-Outcome { Start-KafkaBackup -SegmentSize $_ }).Id | Should -Be 'MissingSettings'
    }

    It 'understands 64MB without quotes' { (Get-Outcome { Start-KafkaBackup -SegmentSize 64MB }).Id | Should -Be 'MissingSettings' }

    It 'refuses 64MX and names the valid forms' {
        (Get-Outcome { Start-KafkaBackup -SegmentSize 64MX }).Message | Should -BeLike '*64MB*'
    }
}

Describe 'Enums' {
    It 'accepts Kafka''s spelling, the file''s and PowerShell''s: <_>' -ForEach 'SCRAM-SHA-256', 'SCRAM-SHA256', 'ScramSha256', 'scram_sha_256' {
        (Get-Outcome { Start-KafkaBackup -SaslMechanism $_ }).Id | Should -Be 'MissingSettings'
    }

    It 'accepts <_> as a strategy' -ForEach 'header-based', 'HeaderBased', 'cluster-scan' {
        (Get-Outcome { Restore-KafkaBackup -OffsetStrategy $_ }).Id | Should -Be 'MissingSettings'
    }

    It 'refuses another word and names the valid ones' {
        (Get-Outcome { Start-KafkaBackup -Compression lz4 }).Message | Should -BeLike '*zstd, gzip, none*'
    }
}

Describe 'Starts, samples and maps' {
    It 'understands earliest, latest and offsets' {
        (Get-Outcome { Start-KafkaBackup -StartOffset latest }).Id | Should -Be 'MissingSettings'
        (Get-Outcome { Start-KafkaBackup -StartOffset @{ orders = @{ 0 = 1234; 1 = 0 } } }).Id | Should -Be 'MissingSettings'
    }

    It 'refuses another start' { (Get-Outcome { Start-KafkaBackup -StartOffset middle }).Message | Should -BeLike '*earliest, latest*' }

    It 'refuses a sample that is none: <_>' -ForEach '0/7', '8/7', '1', 'a/b' {
        (Get-Outcome { Test-KafkaBackup ./b -BackupId x -Sample $_ }).Message | Should -BeLike '*1/7*'
    }

    It 'refuses a partition map that is not of numbers' {
        (Get-Outcome { Restore-KafkaBackup -PartitionMap @{ a = 1 } }).Id | Should -Be 'ConfigWrongType'
    }

    It 'does not repeat what a secret map holds' {
        (Get-Outcome { Start-KafkaBackup -KafkaOption 'sasl.password=geheim' }).Message | Should -Not -BeLike '*Hashtable*geheim*Advice*'
        (Get-Outcome { Start-KafkaBackup -KafkaOption @{ 'sasl.password' = @('geheim', 'x') } }).Message | Should -Not -BeLike '*geheim*'
    }
}

Describe 'Paths' {
    It 'refuses <Path> and names the valid forms' -ForEach @(
        @{ Path = 's3:/bucket' }, @{ Path = 'https://bucket.s3.amazonaws.com/x' }, @{ Path = 'env:PATH' }, @{ Path = 'nodrive:\x' }
    ) {
        try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Topic x -Path $Path } catch { $refusal = $_ }
        $refusal.FullyQualifiedErrorId | Should -Be 'InvalidPath,KafkaBackup.Commands.StartKafkaBackupCommand'
        $refusal.ErrorDetails.RecommendedAction | Should -BeLike '*s3://bucket/prefix*'
    }

    It 'refuses a backup''s own folder and its manifest with the right parameters' {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive 'store/nightly')
        $manifest = New-Item (Join-Path $folder 'manifest.json') -Value '{}'
        foreach ($path in $folder.FullName, $manifest.FullName) {
            try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Topic x -Path $path } catch { $refusal = $_ }
            $refusal.FullyQualifiedErrorId | Should -BeLike 'InvalidPath,*'
            $refusal.ErrorDetails.RecommendedAction | Should -BeLike "*-Path '$($folder.Parent.FullName)' -BackupId 'nightly'*"
        }
    }

    It 'takes a relative file from the current location, after Set-Location, on a PSDrive (A6)' {
        $null = New-Item -ItemType Directory (Join-Path $TestDrive 'deep/er')
        Push-Location (Join-Path $TestDrive 'deep')
        try {
            Set-Location ./er
            (Get-Outcome { Start-KafkaBackup -ConfigPath ./none.yaml }).Message | Should -BeLike "*$([IO.Path]::Combine((Get-Item $TestDrive).FullName, 'deep', 'er', 'none.yaml'))*"
            $null = New-PSDrive -Name shelf -PSProvider FileSystem -Root (Join-Path $TestDrive 'deep')
            (Get-Outcome { Start-KafkaBackup -ConfigPath shelf:/none.yaml }).Message | Should -BeLike "*$([IO.Path]::Combine((Get-Item $TestDrive).FullName, 'deep', 'none.yaml'))*"
            Set-Location env:
            (Get-Outcome { Start-KafkaBackup -ConfigPath shelf:/er/none.yaml }).Message | Should -BeLike '*none.yaml*'
        }
        finally { Pop-Location; Remove-PSDrive shelf -ErrorAction Ignore }
    }
}

Describe 'What is missing' {
    It 'is said by <Name> in one error, without a prompt' -ForEach @(
        @{ Name = 'Start-KafkaBackup' }, @{ Name = 'Get-KafkaBackup' }, @{ Name = 'Get-KafkaBackupRecord' }, @{ Name = 'Test-KafkaBackup' }
        @{ Name = 'Test-KafkaRestore' }, @{ Name = 'Restore-KafkaBackup' }, @{ Name = 'Get-KafkaTopicRecord' }, @{ Name = 'Measure-KafkaTopic' }
        @{ Name = 'Repair-KafkaBackup' }, @{ Name = 'Remove-KafkaBackup' }, @{ Name = 'Restore-KafkaConsumerOffset' }
    ) {
        (Get-Outcome { & $Name }).Id | Should -Be 'MissingSettings'
    }

    It 'is named completely' {
        (Get-Outcome { Get-KafkaBackupRecord }).Message | Should -BeLike '*-Path*-BackupId*'
    }

    It 'two choices that exclude each other are refused by name' {
        $outcome = Get-Outcome { Get-KafkaBackupRecord ./b -BackupId x -First 1 -Last 1 }
        $outcome.Id | Should -Be 'ConfigConflict'
        $outcome.Message | Should -BeLike '*-First*-Last*'
    }

    It 'a login for the wrong side of a comparison is refused by the name that was given' {
        $outcome = Get-Outcome { Invoke-KafkaTopicCompare ./b -BackupId x -Topic t -SecurityProtocol SaslSsl -DifferenceBootstrapServer a:1 }
        $outcome.Id | Should -Be 'ConfigConflict'
        $outcome.Message | Should -BeLike '*-SecurityProtocol and -Path*'
        $outcome = Get-Outcome { Invoke-KafkaTopicCompare -BootstrapServer a:1 -Topic t -DifferencePath ./b -DifferenceKafkaOption @{ debug = 'all' } }
        $outcome.Message | Should -BeLike '*-DifferenceKafkaOption and -DifferencePath*'
    }

    It 'a cluster that nothing would be read from is refused' {
        (Get-Outcome { Get-KafkaOffsetMapping ./b -BackupId x -BootstrapServer a:1 }).Id | Should -Be 'ConfigConflict'
        (Get-Outcome { Get-KafkaOffsetMapping ./b -BackupId x -Scan }).Id | Should -Be 'MissingSettings'
    }
}
