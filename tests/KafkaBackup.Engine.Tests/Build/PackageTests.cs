using System.IO.Compression;
using System.Text.Json;
using System.Xml.Linq;
using KafkaBackup.Build;
using KafkaBackup.Build.Packaging;
using KafkaBackup.Engine.Tests.Architecture;

namespace KafkaBackup.Engine.Tests.Build;

public sealed class PackageTests : IDisposable
{
    private const string Manifest = """
        @{
            RootModule = 'KafkaBackup.dll'
            ModuleVersion = '1.2.3'
            GUID = '6f1d3a52-9c3e-4a6e-9a54-2b7f0c1e8d47'
            Author = 'The authors'
            CompanyName = 'KafkaBackup'
            Copyright = '(c) us'
            Description = 'It''s a backup.'
            LicenseUri = 'https://example.org/licence'
            ProjectUri = 'https://example.org/project'
            ReleaseNotes = 'For these platforms.'
            CmdletsToExport = @('Start-KafkaBackup', 'Get-KafkaBackup')
            PrivateData = @{ PSData = @{ Tags = @('Kafka', 'Backup') } }
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public PackageTests()
    {
        _folder.File(
            "module/KafkaBackup.psd1",
            Manifest.Replace("PrivateData = @{ PSData = @{ Tags", "PrivateData = @{ PSData = @{\n Tags", StringComparison.Ordinal)
        );
        _folder.File("module/LICENSE", "MIT");
        _folder.File("module/CHANGELOG.md", "# Changes\n\n## 1.2.3 - today\n\n- New: this.\n\n## 1.2.2\n\n- Old: that.\n");
        _folder.File("module/lib/runtimes/linux-x64/native/librdkafka.so", "native");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_package_holds_the_module_and_the_parts_that_NuGet_reads()
    {
        Package();
        using var package = ZipFile.OpenRead(Path.Combine(_folder.Path, "out", "KafkaBackup.1.2.3.nupkg"));

        Assert.Equal(
            [
                "CHANGELOG.md",
                "KafkaBackup.nuspec",
                "KafkaBackup.psd1",
                "LICENSE",
                "[Content_Types].xml",
                "_rels/.rels",
                "lib/runtimes/linux-x64/native/librdkafka.so",
                "package/services/metadata/core-properties/kafkabackup.psmdcp",
            ],
            package.Entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_nuspec_says_what_the_manifest_says()
    {
        Package();
        var metadata = Part("KafkaBackup.nuspec")
            .Elements()
            .Single()
            .Elements()
            .ToDictionary(element => element.Name.LocalName, element => element.Value);

        Assert.Equal("KafkaBackup", metadata["id"]);
        Assert.Equal("1.2.3", metadata["version"]);
        Assert.Equal("It's a backup.", metadata["description"]);
        Assert.Equal("https://example.org/licence", metadata["licenseUrl"]);
        Assert.Equal("https://example.org/project", metadata["projectUrl"]);
        Assert.Equal("- New: this.\n\nFor these platforms.", metadata["releaseNotes"]);
        Assert.Equal(
            "Kafka Backup PSModule PSEdition_Core PSIncludes_Cmdlet PSCmdlet_Start-KafkaBackup PSCommand_Start-KafkaBackup PSCmdlet_Get-KafkaBackup PSCommand_Get-KafkaBackup",
            metadata["tags"]
        );
    }

    [Fact]
    public void Every_part_has_a_content_type_also_one_without_an_extension()
    {
        Package();
        var types = Part("[Content_Types].xml").Elements().ToList();

        Assert.Contains(types, type => (string?)type.Attribute("PartName") == "/LICENSE");
        Assert.Equal(
            ["md", "nuspec", "psd1", "psmdcp", "rels", "so"],
            types.Select(type => (string?)type.Attribute("Extension")).OfType<string>().Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_zip_unpacks_into_a_folder_of_PSModulePath()
    {
        Package();
        using var archive = ZipFile.OpenRead(Path.Combine(_folder.Path, "out", "KafkaBackup-1.2.3.zip"));
        Assert.Contains("KafkaBackup/1.2.3/KafkaBackup.psd1", archive.Entries.Select(entry => entry.FullName));
    }

    [Fact]
    public void The_platforms_are_listed() => Assert.Contains("native library for: linux-x64", Package(), StringComparison.Ordinal);

    [Fact]
    public void A_version_that_the_changelog_does_not_know_is_refused()
    {
        _folder.File("module/CHANGELOG.md", "# Changes\n\n## 1.2.34\n");
        Assert.Throws<BuildStepException>(Package);
    }

    [Fact]
    public void An_older_package_does_not_stay()
    {
        _folder.File("out/KafkaBackup.1.2.2.nupkg", "old");
        Package();
        Assert.False(File.Exists(Path.Combine(_folder.Path, "out", "KafkaBackup.1.2.2.nupkg")));
    }

    [Fact]
    public void A_manifest_without_a_version_is_refused() =>
        Assert.Throws<BuildStepException>(() =>
            ModuleManifest.Parse(Manifest.Replace("ModuleVersion", "Version", StringComparison.Ordinal))
        );

    [Fact]
    public void Every_package_that_the_module_carries_is_in_the_third_party_notices_with_its_version()
    {
        var notices = File.ReadAllText(Path.Combine(BuildOutputs.RepositoryRoot, "THIRD-PARTY-NOTICES.md"));
        using var dependencies = JsonDocument.Parse(File.ReadAllText(Path.Combine(BuildOutputs.ModuleBinaries, "KafkaBackup.deps.json")));
        var packages = dependencies
            .RootElement.GetProperty("libraries")
            .EnumerateObject()
            .Where(library => library.Value.GetProperty("type").GetString() == "package")
            .Select(library => library.Name.Split('/'))
            .ToList();

        Assert.Contains(packages, package => package[0] == "librdkafka.redist");
        Expect.None(
            packages
                .Where(package => !notices.Contains($"| {package[0]} | {package[1]} |", StringComparison.Ordinal))
                .Select(package => string.Join(' ', package))
        );
    }

    private string Package()
    {
        var output = new StringWriter();
        PackageCommand.Run(
            CommandLine.Parse(["package", "--module", Path.Combine(_folder.Path, "module"), "--output", Path.Combine(_folder.Path, "out")]),
            output
        );
        return output.ToString();
    }

    private XElement Part(string name)
    {
        using var package = ZipFile.OpenRead(Path.Combine(_folder.Path, "out", "KafkaBackup.1.2.3.nupkg"));
        using var stream = package.GetEntry(name)!.Open();
        return XDocument.Load(stream).Root!;
    }
}
