# What an administrator sees of the help: read by Get-Help from the staged module, in a real PowerShell.
BeforeDiscovery {
    $staged = Get-ChildItem (Join-Path $PSScriptRoot '../../output/KafkaBackup') -Directory
    Import-Module (Join-Path $staged.FullName 'KafkaBackup.psd1') -Force
    $cmdlets = Get-Command -Module KafkaBackup -CommandType Cmdlet | ForEach-Object { @{ Name = $_.Name; Command = $_ } }
}

Describe 'Help of <Name>' -ForEach $cmdlets {
    BeforeAll {
        $help = Get-Help $Name -Full
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
    }

    It 'has a synopsis and a description of its own' {
        $help.Synopsis | Should -Not -Match "^\s*$Name \["
        $help.Synopsis | Should -Match '\w'
        $help.Description.Text | Should -Match '\w'
    }

    It 'describes every parameter, and no other' {
        $real = $Command.Parameters.Keys | Where-Object { $_ -notin $common } | Sort-Object
        $described = $help.parameters.parameter | Where-Object { $_.description.Text -match '\w' } | ForEach-Object name | Sort-Object
        $described | Should -Be $real
    }

    It 'shows each parameter in the syntax' {
        $syntax = $help.syntax | Out-String -Width 4000
        foreach ($parameter in $help.parameters.parameter.name) { $syntax | Should -Match "-$parameter\b" }
    }

    It 'has two examples or more, whose commands and parameters exist' {
        @($help.examples.example).Count | Should -BeGreaterOrEqual 2
        foreach ($example in $help.examples.example) {
            $mistakes = $null
            $script = [System.Management.Automation.Language.Parser]::ParseInput($example.code, [ref] $null, [ref] $mistakes)
            $mistakes | Should -BeNullOrEmpty -Because $example.title
            foreach ($call in $script.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                $used = Get-Command $call.GetCommandName() -Module KafkaBackup -ErrorAction Ignore
                if (-not $used) { continue }
                if ($used.ResolvedCommand) { $used = $used.ResolvedCommand }
                foreach ($parameter in $call.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                    $used.Parameters.Keys | Should -Contain $parameter.ParameterName -Because "'$($example.title)' uses it with $($used.Name)"
                }
            }
        }
    }

    It 'reads in full without a gap' {
        $text = Get-Help $Name -Full | Out-String -Width 120
        foreach ($part in 'SYNOPSIS', 'SYNTAX', 'DESCRIPTION', 'PARAMETERS', 'OUTPUTS', 'Example 1', 'Example 2') { $text | Should -Match $part }
    }
}
