using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace KafkaBackup.Build.Help;

/// <summary>The names in an enumeration of the module itself or of an assembly of ours beside it.</summary>
internal sealed class EnumValues
{
    private readonly Dictionary<string, IReadOnlyList<string>> _known = [];

    public EnumValues(MetadataReader module, string folder)
    {
        Collect(module);
        foreach (var file in Directory.GetFiles(folder, "KafkaBackup.*.dll"))
        {
            using var neighbour = new PEReader(File.OpenRead(file));
            Collect(neighbour.GetMetadataReader());
        }
    }

    public IReadOnlyList<string> Of(string type)
    {
        const string nullable = "System.Nullable`1<";
        var plain = type.StartsWith(nullable, StringComparison.Ordinal) ? type[nullable.Length..^1] : type;
        return _known.GetValueOrDefault(plain.TrimEnd('[', ']'), []);
    }

    private void Collect(MetadataReader metadata)
    {
        foreach (var handle in metadata.TypeDefinitions)
        {
            var type = metadata.GetTypeDefinition(handle);
            if (type.BaseType.IsNil || TypeNames.Of(metadata, type.BaseType) != "System.Enum")
                continue;
            _known[TypeNames.Of(metadata, handle)] =
            [
                .. type.GetFields()
                    .Select(metadata.GetFieldDefinition)
                    .Where(field => field.Attributes.HasFlag(FieldAttributes.Literal))
                    .Select(field => metadata.GetString(field.Name)),
            ];
        }
    }
}
