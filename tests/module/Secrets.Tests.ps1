BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Workbench.psm1') -Force
    Import-Module (Get-StagedModule) -Force
    $password = 'Ge-heim-7'
    $broker = Start-LocalBroker 'orders:1' @('--sasl', 'SCRAM-SHA-256', '--user', "restore:$password")
    Push-Location $TestDrive
    $good = [pscredential]::new('restore', (ConvertTo-SecureString $password -AsPlainText -Force))
    $bad = [pscredential]::new('restore', (ConvertTo-SecureString "wrong-$password" -AsPlainText -Force))
}

AfterAll {
    Pop-Location
    Stop-LocalBroker $broker
}

Describe 'Secrets' {
    It 'a credential opens the cluster and shows up nowhere' {
        $everything = Start-KafkaBackup -BootstrapServer $broker.Bootstrap -SecurityProtocol SaslPlaintext -SaslMechanism SCRAM-SHA-256 -Credential $good -Topic orders -Path ./b -BackupId x -Verbose *>&1
        $everything[-1].Status | Should -Be 'Complete'
        $everything | Format-List * -Force | Out-String -Width 500 | Should -Not -BeLike "*$password*"
        $everything[-1] | ConvertTo-Json -Depth 6 | Should -Not -BeLike "*$password*"
        Get-ChildItem ./b -Recurse -File | ForEach-Object { [IO.File]::ReadAllText($_.FullName) } | Should -Not -BeLike "*$password*"
    }

    It 'a wrong password is an authentication error that does not repeat it' {
        $failure = { Start-KafkaBackup -BootstrapServer $broker.Bootstrap -SecurityProtocol SASL_PLAINTEXT -SaslMechanism ScramSha256 -Credential $bad -Topic orders -Path ./b -BackupId y } |
            Should -Throw -ErrorId 'ClusterAuthentication,*' -PassThru
        $failure.CategoryInfo.Category | Should -Be 'AuthenticationError'
        $failure | Format-List * -Force | Out-String -Width 500 | Should -Not -BeLike "*wrong-$password*"
    }

    It 'a refused client property is named without its value' {
        $failure = { Start-KafkaBackup -BootstrapServer $broker.Bootstrap -KafkaOption @{ 'no.such.property' = $password } -Topic orders -Path ./b -BackupId y } |
            Should -Throw -ErrorId 'InvalidKafkaOption,*' -PassThru
        "$failure" | Should -BeLike '*no.such.property*'
        $failure | Format-List * -Force | Out-String -Width 500 | Should -Not -BeLike "*$password`n*"
        "$failure" | Should -Not -BeLike "*$password*"
    }

    It 'the keys of a store do not travel in results' {
        $map = @{ region = 'eu-central-1'; endpoint = 'http://127.0.0.1:1'; allow_http = $true; path_style = $true; access_key = 'AK'; secret_key = $password }
        $failure = { Start-KafkaBackup -BootstrapServer $broker.Bootstrap -SecurityProtocol SaslPlaintext -SaslMechanism ScramSha256 -Credential $good -Topic orders -Path s3://bucket/x -StorageOption $map -BackupId z } | Should -Throw -PassThru
        $failure | Format-List * -Force | Out-String -Width 500 | Should -Not -BeLike "*$password*"
    }
}
