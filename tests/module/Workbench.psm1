# What the Pester suite works with: the staged module, a local broker in a process of its own, and fresh PowerShells.

$repository = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path

function Get-StagedModule {
    <# The manifest of the staged module; the suite knows no other. #>
    $version = (Import-PowerShellDataFile (Join-Path $repository 'KafkaBackup.psd1')).ModuleVersion
    $manifest = Join-Path $repository "output/KafkaBackup/$version/KafkaBackup.psd1"
    if (-not (Test-Path $manifest)) { throw "$manifest is missing: run build.sh build (or build.ps1) first." }
    $manifest
}

function Get-Repository { $repository }

function Start-LocalBroker {
    <# Topics as NAME:PARTITIONS. Ends with Stop-LocalBroker. #>
    param([string[]] $Topic = 'orders:3', [string[]] $Argument = @())
    $program = @(Get-ChildItem (Join-Path $repository 'tests/KafkaBackup.LocalBroker/bin') -Recurse -Filter KafkaBackup.LocalBroker.dll |
        Sort-Object LastWriteTime -Descending)[0]
    $start = [Diagnostics.ProcessStartInfo]::new('dotnet')
    foreach ($word in @($program.FullName, '--port', '0', '--control-port', '0', '--until-input-ends', '--topics', ($Topic -join ',')) + $Argument) { $start.ArgumentList.Add($word) }
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardInput = $true
    $start.UseShellExecute = $false
    $process = [Diagnostics.Process]::Start($start)
    $bootstrap = ($process.StandardOutput.ReadLine() -split ' ', 2)[1]
    $control = ($process.StandardOutput.ReadLine() -split ' ', 2)[1]
    if (-not $control) { throw 'The local broker did not start.' }
    [pscustomobject]@{ Bootstrap = $bootstrap; Control = $control; Process = $process }
}

function Stop-LocalBroker {
    param($Broker)
    if ($Broker -and -not $Broker.Process.HasExited) {
        # It removes its data when it is asked to end.
        $Broker.Process.StandardInput.Close()
        $Broker.Process.WaitForExit()
    }
}

function Add-BrokerRecord {
    <# Puts records into a partition without any client: KEY N to KEY M, a second apart. #>
    param($Broker, [string] $Topic, [int] $Partition, [int] $Count = 100, [long] $FirstTimestamp = 1705327200000, [int] $StepMs = 1000, [string] $Value = 'value')
    $records = foreach ($i in 0..($Count - 1)) { @{ key = "user-$i"; value = "$Value-$Partition-$i"; timestamp = $FirstTimestamp + $i * $StepMs } }
    $body = ConvertTo-Json @{ records = @($records) } -Depth 4 -Compress
    $null = Invoke-RestMethod "$($Broker.Control)/topics/$Topic/partitions/$Partition/records" -Method Post -Body $body -ContentType application/json
}

function Get-BrokerTopic {
    param($Broker, [string] $Topic)
    Invoke-RestMethod "$($Broker.Control)/topics/$Topic"
}

function Get-BrokerRecord {
    param($Broker, [string] $Topic, [int] $Partition)
    Invoke-RestMethod "$($Broker.Control)/topics/$Topic/partitions/$Partition/records" | ForEach-Object { $_ } | Where-Object { -not $_.isControl }
}

function Get-BrokerWrite {
    <# Requests that change something: none under -WhatIf. #>
    param($Broker)
    @(Invoke-RestMethod "$($Broker.Control)/requests?writes" | ForEach-Object { $_ })
}

function Clear-BrokerRequest {
    param($Broker)
    $null = Invoke-RestMethod "$($Broker.Control)/requests" -Method Delete
}

function Set-GroupOffset {
    param($Broker, [string] $Group, [string] $Topic, [int] $Partition, [long] $Offset, [string] $Metadata = '')
    $body = ConvertTo-Json @{ topic = $Topic; partition = $Partition; offset = $Offset; metadata = $Metadata } -Compress
    $null = Invoke-RestMethod "$($Broker.Control)/groups/$Group" -Method Post -Body $body -ContentType application/json
}

function Get-GroupOffset {
    param($Broker, [string] $Group)
    Invoke-RestMethod "$($Broker.Control)/groups/$Group" | ForEach-Object { $_ }
}

function Add-BrokerFault {
    param($Broker, [hashtable] $Fault)
    $null = Invoke-RestMethod "$($Broker.Control)/faults" -Method Post -Body (ConvertTo-Json $Fault -Compress) -ContentType application/json
}

function Clear-BrokerFault {
    param($Broker)
    $null = Invoke-RestMethod "$($Broker.Control)/faults" -Method Delete
}

function Get-PowerShellCommand {
    <# The words that start this PowerShell anew: of one that is installed as a .NET tool the process is dotnet's. #>
    $path = (Get-Process -Id $PID).Path
    if ((Split-Path $path -LeafBase) -eq 'dotnet') { $path, (Join-Path $PSHOME 'pwsh.dll') } else { $path }
}

function Start-FreshPwsh {
    <# A PowerShell of its own with the staged module, running a script. #>
    param([string] $Script, [string] $Folder = $PWD.ProviderPath, [hashtable] $Variable = @{})
    $file = Join-Path $Folder "script-$([guid]::NewGuid().ToString('N')).ps1"
    Set-Content $file "Import-Module '$(Get-StagedModule)'`n$Script"
    $pwsh = @(Get-PowerShellCommand)
    $start = [Diagnostics.ProcessStartInfo]::new($pwsh[0])
    foreach ($word in @($pwsh | Select-Object -Skip 1) + @('-NoProfile', '-NonInteractive', '-File', $file)) { $start.ArgumentList.Add($word) }
    $start.WorkingDirectory = $Folder
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $start.Environment['NO_COLOR'] = '1'
    foreach ($name in $Variable.Keys) { $start.Environment[$name] = $Variable[$name] }
    $process = [Diagnostics.Process]::Start($start)
    [pscustomobject]@{ Process = $process; Output = $process.StandardOutput.ReadToEndAsync(); Error = $process.StandardError.ReadToEndAsync() }
}

function Wait-FreshPwsh {
    param([Parameter(ValueFromPipeline)] $Started, [int] $Seconds = 60)
    if (-not $Started.Process.WaitForExit($Seconds * 1000)) {
        $Started.Process.Kill($true)
        throw "The PowerShell did not end within $Seconds s. It wrote: $($Started.Output.Result) $($Started.Error.Result)"
    }
    [pscustomobject]@{ ExitCode = $Started.Process.ExitCode; Output = $Started.Output.Result; Error = $Started.Error.Result; Lines = @($Started.Output.Result -split '\r?\n' | Where-Object { $_ }) }
}

function Invoke-FreshPwsh {
    param([string] $Script, [string] $Folder = $PWD.ProviderPath, [hashtable] $Variable = @{}, [int] $Seconds = 60)
    Start-FreshPwsh $Script $Folder $Variable | Wait-FreshPwsh -Seconds $Seconds
}

function Invoke-Example {
    <# One of the examples as a scheduler would run it: a process of its own, its exit code as the answer. Arguments as one would type them. #>
    param([string] $Name, [string] $Argument = '', [string] $Folder = $PWD.ProviderPath, [hashtable] $Variable = @{}, [string] $Before = '', [int] $Seconds = 120)
    $file = Join-Path $repository 'examples' $Name
    Invoke-FreshPwsh "$Before`n& '$file' $Argument`nexit `$LASTEXITCODE" $Folder $Variable $Seconds
}

function Start-RefusingStore {
    <# An object store that answers every request with 403. #>
    $port = (& { $probe = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0); $probe.Start(); $probe.LocalEndpoint.Port; $probe.Stop() })
    $listener = [Net.HttpListener]::new()
    $listener.Prefixes.Add("http://127.0.0.1:$port/")
    $listener.Start()
    $job = Start-ThreadJob {
        $listener = $using:listener
        while ($listener.IsListening) {
            try { $context = $listener.GetContext() } catch { break }
            $context.Response.StatusCode = 403
            $context.Response.Close()
        }
    }
    [pscustomobject]@{ Address = "http://127.0.0.1:$port"; Listener = $listener; Job = $job }
}

function Stop-RefusingStore {
    param($Store)
    $Store.Listener.Close()
    $Store.Job | Remove-Job -Force
}

function Wait-Until {
    <# Waits for a condition instead of a time. #>
    param([scriptblock] $Condition, [int] $Seconds = 30, [string] $What = 'the condition')
    $watch = [Diagnostics.Stopwatch]::StartNew()
    while (-not (& $Condition)) {
        if ($watch.Elapsed.TotalSeconds -gt $Seconds) { throw "$What did not come true within $Seconds s." }
        Start-Sleep -Milliseconds 50
    }
}

Export-ModuleMember -Function *
