BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    $cmdlets = (Import-PowerShellDataFile (Get-StagedModule)).CmdletsToExport | ForEach-Object { @{ Name = $_ } }
    $topics = Get-ChildItem (Join-Path (Get-Repository) 'module/en-US') -Filter about_*.help.txt | ForEach-Object { @{ Topic = $_.Name -replace '\.help\.txt$' } }
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
}

Describe 'Help of <Name>' -ForEach $cmdlets {
    BeforeAll { $help = Get-Help $Name -Full }

    It 'has a synopsis, a description, inputs, outputs, notes and links' {
        $help.Synopsis | Should -Not -BeLike "*$Name *"
        $help.description.Text | Should -Not -BeNullOrEmpty
        $help.returnValues | Should -Not -BeNullOrEmpty
        $help.relatedLinks | Should -Not -BeNullOrEmpty
    }

    It 'describes every parameter' {
        $common = [System.Management.Automation.PSCmdlet]::CommonParameters + [System.Management.Automation.PSCmdlet]::OptionalCommonParameters
        foreach ($parameter in (Get-Command $Name).Parameters.Keys | Where-Object { $_ -notin $common }) {
            ($help.parameters.parameter | Where-Object name -EQ $parameter).description.Text | Should -Not -BeNullOrEmpty -Because "-$parameter needs it"
        }
    }

    It 'has examples that PowerShell can parse and whose parameters exist' {
        @($help.examples.example).Count | Should -BeGreaterOrEqual 2
        foreach ($example in $help.examples.example) {
            $problems = $null
            $ast = [System.Management.Automation.Language.Parser]::ParseInput("$($example.code)", [ref]$null, [ref]$problems)
            $problems | Should -BeNullOrEmpty
            foreach ($command in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                $known = Get-Command $command.GetCommandName() -Module KafkaBackup -ErrorAction Ignore
                foreach ($used in $command.CommandElements | Where-Object { $known -and $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                    $known.Parameters.Keys | Should -Contain $used.ParameterName
                }
            }
        }
    }
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
