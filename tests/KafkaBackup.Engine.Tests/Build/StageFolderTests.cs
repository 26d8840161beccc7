using KafkaBackup.Build;
using KafkaBackup.Build.Staging;

namespace KafkaBackup.Engine.Tests.Build;

public sealed class StageFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StageFolderTests()
    {
        foreach (
            var file in new[]
            {
                "KafkaBackup.dll",
                "KafkaBackup.Model.dll",
                "KafkaBackup.Engine.dll",
                "YamlDotNet.dll",
                "System.Management.Automation.dll",
            }
        )
            _folder.File($"bin/{file}", file);
        foreach (
            var file in new[]
            {
                "KafkaBackup.psd1",
                "CHANGELOG.md",
                "LICENSE",
                "README.md",
                "THIRD-PARTY-NOTICES.md",
                "module/KafkaBackup.format.ps1xml",
                "module/en-US/about_KafkaBackup.help.txt",
                "module/help/Get-Sample.md",
            }
        )
            _folder.File($"repo/{file}", file);
    }

    private string Repository => Path.Combine(_folder.Path, "repo");

    private string Binaries => Path.Combine(_folder.Path, "bin");

    private string Target => Path.Combine(_folder.Path, "output", "KafkaBackup", "1.2.3");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_file_lies_where_PowerShell_or_the_modules_own_load_context_looks_for_it()
    {
        Stage();

        Assert.Equal(
            [
                "CHANGELOG.md",
                "KafkaBackup.Model.dll",
                "KafkaBackup.dll",
                "KafkaBackup.format.ps1xml",
                "KafkaBackup.psd1",
                "LICENSE",
                "README.md",
                "THIRD-PARTY-NOTICES.md",
                "en-US/about_KafkaBackup.help.txt",
                "lib/KafkaBackup.Engine.dll",
                "lib/YamlDotNet.dll",
                "lib/runtimes/linux-x64/native/librdkafka.so",
            ],
            Staged()
        );
    }

    [Fact]
    public void A_second_time_changes_nothing()
    {
        Assert.NotEqual(0, Stage());
        Assert.Equal(0, Stage());
    }

    [Fact]
    public void What_changed_is_replaced_and_nothing_else()
    {
        Stage();
        _folder.File("bin/YamlDotNet.dll", "a newer one");

        Assert.Equal(1, Stage());
        Assert.Equal("a newer one", File.ReadAllText(Path.Combine(Target, "lib", "YamlDotNet.dll")));
    }

    [Fact]
    public void What_does_not_belong_is_removed_with_its_folder()
    {
        _folder.File("output/KafkaBackup/1.2.3/lib/old/Gone.dll", "x");
        _folder.File("output/KafkaBackup/1.2.3/lib/KafkaBackup.Model.dll", "a second Model breaks casts");

        Stage();

        Assert.DoesNotContain(Staged(), file => file.Contains("Gone", StringComparison.Ordinal) || file == "lib/KafkaBackup.Model.dll");
        Assert.False(Directory.Exists(Path.Combine(Target, "lib", "old")));
    }

    [Fact]
    public void Another_version_does_not_stay_beside_it()
    {
        _folder.File("output/KafkaBackup/1.2.2/KafkaBackup.psd1", "x");

        Stage();

        Assert.Equal(["1.2.3"], Directory.GetDirectories(Path.Combine(_folder.Path, "output", "KafkaBackup")).Select(Path.GetFileName));
    }

    [Fact]
    public void The_redist_package_brings_every_platform_with_all_its_files()
    {
        foreach (
            var file in new[]
            {
                "linux-arm64/native/librdkafka.so",
                "linux-x64/native/librdkafka.so",
                "osx-arm64/native/librdkafka.dylib",
                "osx-x64/native/librdkafka.dylib",
            }
        )
            _folder.File($"bin/runtimes/{file}", "x");
        foreach (var file in new[] { "librdkafka.dll", "zstd.dll", "zlib1.dll" })
            _folder.File($"bin/runtimes/win-x64/native/{file}", "x");

        var native = NativeLibraries.Find(Binaries);

        Assert.Equal(7, native.Count);
        Assert.Contains(native, file => file.Path == "lib/runtimes/win-x64/native/zstd.dll");
    }

    [Fact]
    public void A_platform_that_is_missing_stops_the_build()
    {
        _folder.File("bin/runtimes/linux-x64/native/librdkafka.so", "x");
        Assert.Throws<BuildStepException>(() => NativeLibraries.Find(Binaries));
    }

    private int Stage()
    {
        var library = Path.Combine(_folder.Path, "librdkafka.so");
        if (!File.Exists(library))
            File.WriteAllText(library, "native");
        return new StageFolder(Target).Fill(
            ModuleLayout.Of(Repository, Binaries, [("lib/runtimes/linux-x64/native/librdkafka.so", library)])
        );
    }

    private IEnumerable<string> Staged() =>
        Directory
            .GetFiles(Target, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Target, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);
}
