BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    $manifest = Get-StagedModule
    # An assembly of the name of one of ours and another version, as another module would bring it.
    function New-Stranger([string] $Name, [string] $Folder) {
        $file = Join-Path $Folder "$Name.dll"
        $code = "[assembly: System.Reflection.AssemblyVersion(`"3.1.0.0`")] namespace Stranger.$($Name.Replace('.', '')) { public static class Marker { public static int One() => 1; } }"
        $start = "Add-Type -TypeDefinition '$code' -OutputAssembly '$file'"
        & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command $start
        $file
    }
}

Describe 'Loading' {
    It 'has a manifest without complaints' {
        $warnings = $null
        $module = Test-ModuleManifest $manifest -WarningVariable warnings -ErrorAction Stop
        $warnings | Should -BeNullOrEmpty
        $module.ExportedCmdlets.Count | Should -Be 13
        $module.Tags | Should -Contain 'Kafka'
    }

    It 'exports what the manifest lists and nothing else' {
        $result = Invoke-FreshPwsh '(Get-Command -Module KafkaBackup | Sort-Object Name).Name' $TestDrive
        $data = Import-PowerShellDataFile $manifest
        $result.Lines | Should -Be ($data.CmdletsToExport + $data.AliasesToExport | Sort-Object)
    }

    It 'imports in under 300 ms' {
        $times = 1..3 | ForEach-Object {
            $script = "`$watch = [Diagnostics.Stopwatch]::StartNew(); Import-Module '$manifest'; `$watch.ElapsedMilliseconds"
            [int](& (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command $script)
        }
        ($times | Sort-Object)[1] | Should -BeLessThan 300
    }

    It 'is removed and imported again' {
        $result = Invoke-FreshPwsh @"
Get-KafkaBackup ./none -ErrorAction SilentlyContinue
Remove-Module KafkaBackup
(Get-Command Get-KafkaBackup -ErrorAction Ignore).Count
Import-Module '$manifest'
try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Path ./none -Topic x } catch { `$_.FullyQualifiedErrorId }
"@ $TestDrive
        $result.Lines | Should -Be '0', 'ClusterUnreachable,KafkaBackup.Commands.StartKafkaBackupCommand'
    }

    It 'is removed before anything of the engine was used, and imported again' {
        $result = Invoke-FreshPwsh @"
Remove-Module KafkaBackup
Import-Module '$manifest'
try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Path ./none -Topic x } catch { `$_.FullyQualifiedErrorId }
"@ $TestDrive
        $result.Lines | Should -Be 'ClusterUnreachable,KafkaBackup.Commands.StartKafkaBackupCommand'
    }

    It 'keeps the engine and its libraries out of the context that all modules share' {
        $result = Invoke-FreshPwsh @'
try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Path ./none -Topic x } catch { }
[AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { $_.GetName().Name -in 'KafkaBackup', 'KafkaBackup.Model', 'KafkaBackup.Engine', 'Confluent.Kafka' } |
    ForEach-Object { "$($_.GetName().Name) $([Runtime.Loader.AssemblyLoadContext]::GetLoadContext($_).Name)" } | Sort-Object
'@ $TestDrive
        $result.Lines | Should -Be 'Confluent.Kafka KafkaBackup', 'KafkaBackup Default', 'KafkaBackup.Engine KafkaBackup', 'KafkaBackup.Model Default'
    }

    It 'works when another version of <_> was loaded before' -ForEach 'YamlDotNet', 'AWSSDK.Core' {
        $stranger = New-Stranger $_ (New-Item -ItemType Directory (Join-Path $TestDrive "before-$_")).FullName
        Set-Content (Join-Path $TestDrive 'backup.yaml') "mode: backup`nsource:`n  bootstrap_servers: ['127.0.0.1:1']`nstorage:`n  path: ./none"
        $result = Invoke-FreshPwsh @"
Remove-Module KafkaBackup
Add-Type -Path '$stranger'
Import-Module '$manifest'
try { Start-KafkaBackup -ConfigPath ./backup.yaml } catch { `$_.FullyQualifiedErrorId }
try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Topic x -Path s3://bucket/x -StorageOption @{ region = 'eu-central-1'; access_key = 'a'; secret_key = 'b' } } catch { `$_.FullyQualifiedErrorId }
[Stranger.$($_.Replace('.', '')).Marker]::One()
"@ $TestDrive
        $result.Lines | Should -Be (@('ClusterUnreachable,KafkaBackup.Commands.StartKafkaBackupCommand') * 2 + '1')
    }

    It 'does no harm to another version of <_> that is loaded after' -ForEach 'YamlDotNet', 'AWSSDK.Core' {
        $stranger = New-Stranger $_ (New-Item -ItemType Directory (Join-Path $TestDrive "after-$_")).FullName
        Set-Content (Join-Path $TestDrive 'backup.yaml') "mode: backup`nsource:`n  bootstrap_servers: ['127.0.0.1:1']`nstorage:`n  path: ./none"
        $result = Invoke-FreshPwsh @"
try { Start-KafkaBackup -ConfigPath ./backup.yaml } catch { `$_.FullyQualifiedErrorId }
Add-Type -Path '$stranger'
[Stranger.$($_.Replace('.', '')).Marker]::One()
try { Start-KafkaBackup -ConfigPath ./backup.yaml } catch { `$_.FullyQualifiedErrorId }
"@ $TestDrive
        $result.Lines | Should -Be 'ClusterUnreachable,KafkaBackup.Commands.StartKafkaBackupCommand', '1', 'ClusterUnreachable,KafkaBackup.Commands.StartKafkaBackupCommand'
    }

    It 'works in two thread jobs at a time' {
        $result = Invoke-FreshPwsh @"
`$jobs = 1..2 | ForEach-Object { Start-ThreadJob { Import-Module '$manifest'; try { Start-KafkaBackup -BootstrapServer 127.0.0.1:1 -Path ./none -Topic x } catch { `$_.FullyQualifiedErrorId } } }
`$jobs | Receive-Job -Wait -AutoRemoveJob
"@ $TestDrive
        $result.Lines | Should -Be (@('ClusterUnreachable,KafkaBackup.Commands.StartKafkaBackupCommand') * 2)
    }
}
