using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace KafkaBackup.Build.Help;

/// <summary>
/// Reads the cmdlets of a compiled module from its metadata. Nothing is loaded: the PowerShell assembly that cmdlets are compiled against
/// is an empty shell, and attribute objects made from it would hold wrong values.
/// </summary>
internal sealed class CmdletReader : IDisposable
{
    private const string PowerShell = "System.Management.Automation.";

    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly EnumValues _enums;

    private CmdletReader(string assembly)
    {
        _file = new PEReader(File.OpenRead(assembly));
        _metadata = _file.GetMetadataReader();
        _enums = new EnumValues(_metadata, Path.GetDirectoryName(assembly)!);
    }

    public static IReadOnlyList<CmdletDescription> Read(string assembly)
    {
        using var reader = new CmdletReader(assembly);
        return
        [
            .. reader
                ._metadata.TypeDefinitions.Select(reader.Cmdlet)
                .OfType<CmdletDescription>()
                .OrderBy(cmdlet => cmdlet.Name, StringComparer.Ordinal),
        ];
    }

    public void Dispose() => _file.Dispose();

    private CmdletDescription? Cmdlet(TypeDefinitionHandle handle)
    {
        var attributes = Attributes(_metadata.GetTypeDefinition(handle).GetCustomAttributes());
        if (attributes.FirstOrDefault(attribute => attribute.Type == PowerShell + "CmdletAttribute") is not { } cmdlet)
            return null;

        return new CmdletDescription((string)cmdlet.Positional[0]!, (string)cmdlet.Positional[1]!, [.. Parameters(handle)])
        {
            DefaultParameterSet = cmdlet.Named("DefaultParameterSetName") as string,
            SupportsShouldProcess = cmdlet.Named("SupportsShouldProcess") is true,
            OutputTypes =
            [
                .. attributes
                    .Where(attribute => attribute.Type == PowerShell + "OutputTypeAttribute")
                    .SelectMany(attribute => attribute.Strings())
                    .Distinct(),
            ],
            Aliases =
            [
                .. attributes
                    .Where(attribute => attribute.Type == PowerShell + "AliasAttribute")
                    .SelectMany(attribute => attribute.Strings()),
            ],
        };
    }

    /// <summary>The cmdlet's own parameters and those of its base classes; an override hides what it overrides.</summary>
    private IEnumerable<ParameterDescription> Parameters(TypeDefinitionHandle cmdlet)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var type = cmdlet; !type.IsNil; type = BaseInThisAssembly(type))
        {
            foreach (var property in _metadata.GetTypeDefinition(type).GetProperties().Select(_metadata.GetPropertyDefinition))
            {
                if (Parameter(property) is { } parameter && seen.Add(parameter.Name))
                    yield return parameter;
            }
        }
    }

    private ParameterDescription? Parameter(PropertyDefinition property)
    {
        var attributes = Attributes(property.GetCustomAttributes());
        var bindings = attributes.Where(attribute => attribute.Type == PowerShell + "ParameterAttribute").ToList();
        if (bindings.Count == 0 || bindings.Any(binding => binding.Named("DontShow") is true))
            return null;

        var type = property.DecodeSignature(TypeNames.Provider, null).ReturnType;
        var fixedValues = attributes
            .Where(attribute => attribute.Type == PowerShell + "ValidateSetAttribute")
            .SelectMany(attribute => attribute.Strings());
        return new ParameterDescription(_metadata.GetString(property.Name), TypeNames.Short(type), [.. bindings.Select(Binding)])
        {
            Aliases =
            [
                .. attributes
                    .Where(attribute => attribute.Type == PowerShell + "AliasAttribute")
                    .SelectMany(attribute => attribute.Strings()),
            ],
            Values = [.. fixedValues.Concat(_enums.Of(type))],
            SupportsWildcards = attributes.Any(attribute => attribute.Type == PowerShell + "SupportsWildcardsAttribute"),
        };
    }

    private static ParameterBinding Binding(AttributeData attribute) =>
        new(
            attribute.Named("ParameterSetName") as string ?? ParameterBinding.AllSets,
            attribute.Named("Mandatory") is true,
            attribute.Named("Position") as int?,
            attribute.Named("ValueFromPipeline") is true,
            attribute.Named("ValueFromPipelineByPropertyName") is true,
            attribute.Named("ValueFromRemainingArguments") is true
        );

    private TypeDefinitionHandle BaseInThisAssembly(TypeDefinitionHandle type)
    {
        var parent = _metadata.GetTypeDefinition(type).BaseType;
        if (parent.Kind == HandleKind.TypeDefinition)
            return (TypeDefinitionHandle)parent;
        if (parent.Kind != HandleKind.TypeSpecification)
            return default;
        // A generic base class: its definition is found by name.
        var name = _metadata.GetTypeSpecification((TypeSpecificationHandle)parent).DecodeSignature(TypeNames.Provider, null);
        var definition = name[..name.IndexOf('<', StringComparison.Ordinal)];
        return _metadata.TypeDefinitions.FirstOrDefault(candidate => TypeNames.Of(_metadata, candidate) == definition);
    }

    private List<AttributeData> Attributes(CustomAttributeHandleCollection handles) =>
        [
            .. handles
                .Select(_metadata.GetCustomAttribute)
                .Select(attribute => AttributeData.Of(_metadata, attribute))
                .OfType<AttributeData>(),
        ];

    private sealed record AttributeData(string Type, IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> NamedValues)
    {
        public static AttributeData? Of(MetadataReader metadata, CustomAttribute attribute)
        {
            var type =
                attribute.Constructor.Kind == HandleKind.MemberReference
                    ? metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent
                    : metadata.GetMethodDefinition((MethodDefinitionHandle)attribute.Constructor).GetDeclaringType();
            var name = TypeNames.Of(metadata, type);
            if (!name.StartsWith(PowerShell, StringComparison.Ordinal))
                return null;
            var value = attribute.DecodeValue(TypeNames.Provider);
            return new(
                name,
                [.. value.FixedArguments.Select(argument => argument.Value)],
                value.NamedArguments.ToDictionary(argument => argument.Name!, argument => argument.Value)
            );
        }

        public object? Named(string name) => NamedValues.GetValueOrDefault(name);

        /// <summary>All texts and types among the arguments, those in arrays included.</summary>
        public IEnumerable<string> Strings() => Positional.SelectMany(Texts);

        private static IEnumerable<string> Texts(object? value) =>
            value switch
            {
                string text => [text],
                IEnumerable<CustomAttributeTypedArgument<string>> array => array.SelectMany(item => Texts(item.Value)),
                _ => [],
            };
    }
}
