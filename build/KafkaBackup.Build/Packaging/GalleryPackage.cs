using System.IO.Compression;
using System.Xml.Linq;

namespace KafkaBackup.Build.Packaging;

/// <summary>
/// A NuGet package as the PowerShell Gallery lays it out: the module's files at the root, a nuspec beside them, and the three parts that
/// make a zip an Open Packaging container (content types, relationships, core properties).
/// </summary>
internal static class GalleryPackage
{
    private const string PropertiesPart = "package/services/metadata/core-properties/kafkabackup.psmdcp";

    private static readonly XNamespace Nuspec = "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd";
    private static readonly XNamespace Types = "http://schemas.openxmlformats.org/package/2006/content-types";
    private static readonly XNamespace Relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    private static readonly XNamespace Core = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties";
    private static readonly XNamespace Dublin = "http://purl.org/dc/elements/1.1/";

    /// <param name="releaseNotes">What changed in this version; the manifest only says where to read it.</param>
    public static void Write(string file, string module, ModuleManifest manifest, string releaseNotes)
    {
        var files = ModuleArchive.FilesOf(module).ToList();
        using var archive = new ZipArchive(File.Create(file), ZipArchiveMode.Create);
        Add(archive, "KafkaBackup.nuspec", NuspecOf(manifest, releaseNotes));
        Add(archive, "[Content_Types].xml", ContentTypes(files.Select(item => item.Path)));
        Add(archive, "_rels/.rels", Relationships());
        Add(archive, PropertiesPart, CoreProperties(manifest));
        foreach (var (path, source) in files)
            archive.CreateEntryFromFile(source, EscapedPart(path), CompressionLevel.Optimal);
    }

    private static XElement NuspecOf(ModuleManifest manifest, string releaseNotes) =>
        new(
            Nuspec + "package",
            new XElement(
                Nuspec + "metadata",
                new XElement(Nuspec + "id", "KafkaBackup"),
                new XElement(Nuspec + "version", manifest.Version),
                new XElement(Nuspec + "authors", manifest.Author),
                new XElement(Nuspec + "owners", manifest.CompanyName),
                new XElement(Nuspec + "requireLicenseAcceptance", "false"),
                new XElement(Nuspec + "licenseUrl", manifest.LicenseUri),
                new XElement(Nuspec + "projectUrl", manifest.ProjectUri),
                new XElement(Nuspec + "description", manifest.Description),
                new XElement(Nuspec + "releaseNotes", releaseNotes),
                new XElement(Nuspec + "copyright", manifest.Copyright),
                new XElement(Nuspec + "tags", string.Join(' ', GalleryTags(manifest)))
            )
        );

    /// <summary>The Gallery finds cmdlets and editions by tags of this shape; its own publishing cmdlets write them likewise.</summary>
    private static IEnumerable<string> GalleryTags(ModuleManifest manifest) =>
        manifest
            .Tags.Concat(["PSModule", "PSEdition_Core", "PSIncludes_Cmdlet"])
            .Concat(manifest.Cmdlets.SelectMany(cmdlet => new[] { $"PSCmdlet_{cmdlet}", $"PSCommand_{cmdlet}" }))
            .Distinct();

    private static XElement ContentTypes(IEnumerable<string> paths)
    {
        var names = paths.Append("KafkaBackup.nuspec").ToList();
        var extensions = names
            .Select(Extension)
            .Where(extension => extension.Length > 0)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Order(StringComparer.Ordinal);
        return new(
            Types + "Types",
            Default("rels", "application/vnd.openxmlformats-package.relationships+xml"),
            Default("psmdcp", "application/vnd.openxmlformats-package.core-properties+xml"),
            extensions.Select(extension => Default(extension, "application/octet")),
            names
                .Where(name => Extension(name).Length == 0)
                .Select(name => new XElement(
                    Types + "Override",
                    new XAttribute("PartName", $"/{EscapedPart(name)}"),
                    new XAttribute("ContentType", "application/octet")
                ))
        );

        static string Extension(string path) => Path.GetExtension(path).TrimStart('.');

        static XElement Default(string extension, string type) =>
            new(Types + "Default", new XAttribute("Extension", extension), new XAttribute("ContentType", type));
    }

    private static XElement Relationships() =>
        new(
            Relations + "Relationships",
            Relationship("http://schemas.microsoft.com/packaging/2010/07/manifest", "/KafkaBackup.nuspec", "R1"),
            Relationship(
                "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties",
                $"/{PropertiesPart}",
                "R2"
            )
        );

    private static XElement Relationship(string type, string target, string id) =>
        new(Relations + "Relationship", new XAttribute("Type", type), new XAttribute("Target", target), new XAttribute("Id", id));

    private static XElement CoreProperties(ModuleManifest manifest) =>
        new(
            Core + "coreProperties",
            new XAttribute(XNamespace.Xmlns + "dc", Dublin),
            new XElement(Dublin + "creator", manifest.Author),
            new XElement(Dublin + "description", manifest.Description),
            new XElement(Dublin + "identifier", "KafkaBackup"),
            new XElement(Core + "version", manifest.Version),
            new XElement(Core + "keywords", string.Join(' ', GalleryTags(manifest)))
        );

    /// <summary>Part names are escaped a step at a time, the slashes between stay.</summary>
    private static string EscapedPart(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    private static void Add(ZipArchive archive, string name, XElement content)
    {
        using var stream = archive.CreateEntry(name, CompressionLevel.Optimal).Open();
        new XDocument(new XDeclaration("1.0", "utf-8", null), content).Save(stream);
    }
}
