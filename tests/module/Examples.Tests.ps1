BeforeDiscovery {
    $examples = Get-ChildItem (Join-Path $PSScriptRoot '../../examples') -Filter *.ps1 | ForEach-Object { @{ Name = $_.Name; File = $_.FullName } }
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $broker = Start-LocalBroker 'orders:3', 'payments:2', 'broken:2'
    0..2 | ForEach-Object { Add-BrokerRecord $broker orders $_ 100 }
    0..1 | ForEach-Object { Add-BrokerRecord $broker payments $_ 10 }
    0..1 | ForEach-Object { Add-BrokerRecord $broker broken $_ 50 }
    $null = Invoke-RestMethod "$($broker.Control)/topics/broken/partitions/1/corrupt" -Method Post -Body '{"offset":10}' -ContentType application/json
    Push-Location $TestDrive

    function Set-Config([string] $File, [string] $Topics, [string] $More = '') {
        Set-Content $File "mode: backup`nbackup_id: nightly`nsource:`n  bootstrap_servers: ['$($broker.Bootstrap)']`n$More  topics:`n    include: [$Topics]`nstorage:`n  backend: filesystem`n  path: ./store"
    }

    function Add-Topic([string] $Name, [int] $Partitions) {
        $null = Invoke-RestMethod "$($broker.Control)/topics" -Method Post -Body (ConvertTo-Json @{ name = $Name; partitions = $Partitions }) -ContentType application/json
    }
}

AfterAll {
    Pop-Location
    Stop-LocalBroker $broker
}

Describe 'Every example' {
    It '<Name> explains itself and is strict' -ForEach $examples {
        $help = Get-Help $File -Full
        $help.Synopsis | Should -Not -BeLike "*$Name*"
        @($help.examples.example).Count | Should -BeGreaterOrEqual 1
        foreach ($parameter in $help.parameters.parameter | Where-Object name -NotIn WhatIf, Confirm) { $parameter.description.Text | Should -Not -BeNullOrEmpty -Because "-$($parameter.name) needs words" }
        Get-Content $File -Raw | Should -BeLike '*Set-StrictMode -Version Latest*$ErrorActionPreference = ''Stop''*'
    }

    It '<Name> uses only cmdlets and parameters that there are' -ForEach $examples {
        $errors = $null
        $tree = [Management.Automation.Language.Parser]::ParseFile($File, [ref] $null, [ref] $errors)
        $errors | Should -BeNullOrEmpty
        foreach ($call in $tree.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)) {
            if ($call.GetCommandName() -notmatch '^[A-Z]\w+-Kafka') { continue }
            $command = Get-Command $call.GetCommandName() -Module KafkaBackup -ErrorAction Stop
            foreach ($word in $call.CommandElements | Where-Object { $_ -is [Management.Automation.Language.CommandParameterAst] }) {
                $command.Parameters.Keys | Should -Contain $word.ParameterName
            }
        }
    }
}

Describe 'nightly-backup.ps1' -Tag Long {
    It 'backs up, logs the story, adds a line to runs.csv, and ends with 0; the next night takes what is new' {
        Set-Config nightly.yaml 'orders, payments'
        $run = Invoke-Example nightly-backup.ps1 '-ConfigPath ./nightly.yaml -LogFolder ./logs -CheckTurns 1'
        $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
        $run.Output | Should -BeLike '*Complete: 320 records of 2 topics*'
        $run.Output | Should -BeLike '*check*Valid: turn 1 of 1*'
        Add-BrokerRecord $broker payments 0 5
        (Invoke-Example nightly-backup.ps1 '-ConfigPath ./nightly.yaml -LogFolder ./logs').ExitCode | Should -Be 0
        $rows = @(Import-Csv logs/runs.csv)
        $rows.RecordCount | Should -Be '320', '5'
        $rows.ExitCode | Should -Be '0', '0'
        Get-Content logs/backup-*.log | Where-Object { $_ -match ' verbose ' } | Should -Not -BeNullOrEmpty
    }

    It 'ends with 1 when a partition fails, and the log names it (B15)' {
        Set-Config partly.yaml 'orders, broken'
        $run = Invoke-Example nightly-backup.ps1 '-ConfigPath ./partly.yaml -LogFolder ./partly -BackupId partly'
        $run.ExitCode | Should -Be 1
        $run.Error | Should -BeLike '*PartitionRead*broken*'
        (Import-Csv partly/runs.csv).Status | Should -Be 'Incomplete'
        Get-Content partly/backup-*.log | Where-Object { $_ -like '*ERROR*PartitionRead*' } | Should -Not -BeNullOrEmpty
    }

    It 'ends with 3 when nothing can go on, and says what to do' {
        Set-Config lost.yaml nothing-like-it
        $run = Invoke-Example nightly-backup.ps1 '-ConfigPath ./lost.yaml -LogFolder ./lost'
        $run.ExitCode | Should -Be 3
        $run.Error | Should -Match 'NothingMatched|TopicNotFound'
        $missing = Invoke-Example nightly-backup.ps1 '-ConfigPath ./no-such.yaml -LogFolder ./lost'
        $missing.ExitCode | Should -Be 3
        $missing.Error | Should -BeLike '*ConfigFileNotFound*no-such.yaml*'
    }

    It 'ends with 4 when the check finds damage' {
        Set-Config damaged.yaml payments
        $null = Invoke-Example nightly-backup.ps1 '-ConfigPath ./damaged.yaml -LogFolder ./damaged -BackupId damaged'
        $segment = @(Get-ChildItem store/damaged -Recurse -Filter *.kbs)[0].FullName
        $bytes = [IO.File]::ReadAllBytes($segment)
        $bytes[$bytes.Length / 2] = $bytes[$bytes.Length / 2] -bxor 1
        [IO.File]::WriteAllBytes($segment, $bytes)
        $run = Invoke-Example nightly-backup.ps1 '-ConfigPath ./damaged.yaml -LogFolder ./damaged -BackupId damaged -CheckTurns 1'
        $run.ExitCode | Should -Be 4 -Because "$($run.Output) $($run.Error)"
    }

    It 'stopped with Ctrl+C it ends with 2, and the next run continues (B13)' -Skip:$IsWindows {
        Set-Config slow.yaml orders
        Add-Content slow.yaml "backup:`n  rate_limit_records_per_sec: 20"
        $file = Join-Path (Get-Repository) examples/nightly-backup.ps1
        $started = Start-FreshPwsh "& '$file' -ConfigPath ./slow.yaml -LogFolder ./slow -BackupId slow; exit `$LASTEXITCODE"
        Wait-Until { (Test-Path slow/backup-*.log) -and (Get-Content slow/backup-*.log | Where-Object { $_ -like '*Reading orders*' }) } -What 'the beginning of the backup'
        & kill -INT $started.Process.Id
        $run = $started | Wait-FreshPwsh
        $run.ExitCode | Should -Be 2 -Because "$($run.Output) $($run.Error)"
        Get-Content slow/backup-*.log | Where-Object { $_ -like '*stopped*continues*' } | Should -Not -BeNullOrEmpty
        Set-Config slow.yaml orders
        (Invoke-Example nightly-backup.ps1 '-ConfigPath ./slow.yaml -LogFolder ./slow -BackupId slow').ExitCode | Should -Be 0
        (Get-KafkaBackup ./store -BackupId slow).RecordCount | Should -Be 300
    }

    It 'takes the password from a credential file; no log holds it' {
        $password = 'Still-geheim-9'
        $locked = Start-LocalBroker 'orders:1' @('--sasl', 'PLAIN', '--user', "night:$password")
        try {
            [pscredential]::new('night', (ConvertTo-SecureString $password -AsPlainText -Force)) | Export-Clixml ./kafka.xml
            Set-Content locked.yaml "mode: backup`nbackup_id: locked`nsource:`n  bootstrap_servers: ['$($locked.Bootstrap)']`n  security:`n    security_protocol: SASL_PLAINTEXT`n    sasl_mechanism: PLAIN`n    sasl_username: night`n    sasl_password: `${KAFKA_PASSWORD}`nstorage:`n  backend: filesystem`n  path: ./store"
            $run = Invoke-Example nightly-backup.ps1 '-ConfigPath ./locked.yaml -LogFolder ./locked -CredentialPath ./kafka.xml'
            $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
            "$($run.Output) $($run.Error) $(Get-Content locked/*)" | Should -Not -BeLike "*$password*"
        }
        finally { Stop-LocalBroker $locked }
    }
}

Describe 'register-scheduled-task.ps1' -Tag Long {
    It 'writes the line for cron where there are no scheduled tasks' -Skip:$IsWindows {
        Set-Config task.yaml orders
        $run = Invoke-Example register-scheduled-task.ps1 "-ConfigPath ./task.yaml -At 03:25 -LogFolder './my logs' -WhatIf"
        $run.ExitCode | Should -Be 0
        $line = $run.Lines | Where-Object { $_ -match '^25 3 \* \* \* ' }
        $line | Should -BeLike "*nightly-backup.ps1 -ConfigPath $((Get-Item $TestDrive).FullName)/task.yaml -LogFolder '*/my logs' -CheckTurns 7"
        $run.Output | Should -BeLike '*not Windows*'

        # What cron would do with it.
        & sh -c ($line -replace '^25 3 \* \* \* ', "PSModulePath='$(Split-Path (Split-Path (Split-Path (Get-StagedModule))))' ")
        $LASTEXITCODE | Should -Be 0
        './my logs/runs.csv' | Should -Exist
    }

    It 'refuses a configuration that others may write, which would run as the account' -Skip:$IsWindows {
        $null = New-Item -ItemType Directory ./shared-folder
        Copy-Item task.yaml ./shared-folder/task.yaml
        chmod o+w ./shared-folder
        $run = Invoke-Example register-scheduled-task.ps1 '-ConfigPath ./shared-folder/task.yaml'
        $run.ExitCode | Should -Not -Be 0
        $run.Error -replace '\s+\|?\s*', ' ' | Should -BeLike '*shared-folder*can be written by everybody*'
        chmod o-w ./shared-folder
        chmod o+w ./shared-folder/task.yaml
        (Invoke-Example register-scheduled-task.ps1 '-ConfigPath ./shared-folder/task.yaml').Error -replace '\s+\|?\s*', ' ' | Should -BeLike '*task.yaml*can be written by*'
    }

    It 'refuses a line break in a path, which would split the line for cron' -Skip:$IsWindows {
        $run = Invoke-Example register-scheduled-task.ps1 '-ConfigPath ./task.yaml -LogFolder "./a`nb"'
        $run.ExitCode | Should -Not -Be 0
        $run.Error -replace '\s+\|?\s*', ' ' | Should -BeLike '*control character*'
        $run.Lines | Where-Object { $_ -match '\* \* \*' } | Should -BeNullOrEmpty
    }

    It 'quotes <Text> for Windows as <Expected>' -ForEach @(
        @{ Text = 'C:\plain\'; Expected = 'C:\plain\' }
        @{ Text = 'C:\with space\'; Expected = '"C:\with space\\"' }
        @{ Text = 'a "b" c'; Expected = '"a \"b\" c"' }
        @{ Text = 'a\"b c'; Expected = '"a\\\"b c"' }
        @{ Text = ''; Expected = '""' }
    ) {
        $script = Join-Path (Get-Repository) examples/register-scheduled-task.ps1
        $function = [Management.Automation.Language.Parser]::ParseFile($script, [ref]$null, [ref]$null).Find({ $args[0] -is [Management.Automation.Language.FunctionDefinitionAst] -and $args[0].Name -eq 'ConvertTo-WindowsArgument' }, $true)
        . ([scriptblock]::Create($function.Extent.Text))
        ConvertTo-WindowsArgument $Text | Should -BeExactly $Expected
    }
}

Describe 'azure-runbook.ps1' -Tag Long {
    It 'backs up with the Automation account''s credential and writes one line of JSON' {
        $locked = Start-LocalBroker 'orders:1', 'payments:1' @('--sasl', 'SCRAM-SHA-512', '--user', 'azure:Wolken-1')
        try {
            Add-BrokerRecord $locked orders 0 12
            $asset = "function Get-AutomationPSCredential { param([string] `$Name) [pscredential]::new('azure', (ConvertTo-SecureString 'Wolken-1' -AsPlainText -Force)) }"
            $run = Invoke-Example azure-runbook.ps1 "-BootstrapServer '$($locked.Bootstrap)' -Topic 'orders, ~^pay' -Path ./azure -CredentialName kafka -SecurityProtocol SASL_PLAINTEXT" -Before $asset
            $run.ExitCode | Should -Be 0 -Because "$($run.Output) $($run.Error)"
            $result = $run.Lines[-1] | ConvertFrom-Json
            $result.RecordCount | Should -Be 12
            $result.TopicCount | Should -Be 2
        }
        finally { Stop-LocalBroker $locked }
    }

    It 'fails its job when the backup is not complete' {
        $run = Invoke-Example azure-runbook.ps1 "-BootstrapServer '$($broker.Bootstrap)' -Topic 'orders,broken' -Path ./azure -BackupId partly"
        $run.ExitCode | Should -Be 1
        $run.Error | Should -BeLike '*partly is Incomplete*broken/1*'
    }
}

Describe 'README.md' -Tag Long {
    It 'has a quick start that runs as it stands' {
        $text = Get-Content (Join-Path (Get-Repository) README.md) -Raw
        $part = $text.Substring($text.IndexOf('## Quick start'))
        $blocks = @([regex]::Matches($part.Substring(0, $part.IndexOf('## Read on')), '(?s)```powershell\r?\n(.*?)```').ForEach{ $_.Groups[1].Value })
        $blocks.Count | Should -Be 3 -Because 'the first starts the broker, the second fills it, the third is the quick start'
        $own = Start-LocalBroker 'orders:3', 'payments:1'
        try {
            # Each statement is a pipeline of its own, as at a prompt.
            $statements = $blocks[1..2].ForEach{ [Management.Automation.Language.Parser]::ParseInput($_, [ref] $null, [ref] $null).EndBlock.Statements.Extent.Text }
            $script = ($statements.ForEach{ ". { $_ } | Out-Host" } -join "`n").Replace('localhost:9092', $own.Bootstrap).Replace('http://127.0.0.1:9093', $own.Control)
            $run = Invoke-FreshPwsh "`$ErrorActionPreference = 'Stop'`n$script" (New-Item -ItemType Directory quick)
            $run.ExitCode | Should -Be 0 -Because $run.Error
            $run.Error | Should -BeNullOrEmpty
            $run.Output | Should -BeLike '*3,000 records at most*VALID*orders-before*Complete*orders*Equal*1,000*'
            $run.Output | Should -Not -BeLike '*WARNING*'
            @(Get-BrokerRecord $own orders-recovered 2).Count | Should -Be 1000
        }
        finally { Stop-LocalBroker $own }
    }
}
