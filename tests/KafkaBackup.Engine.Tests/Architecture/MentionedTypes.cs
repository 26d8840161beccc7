using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>A type that something mentions. Names are full, nested types as Outer+Inner.</summary>
internal readonly record struct MentionedType(string Name, bool IsValueType)
{
    /// <summary>The type that the source file shows: closures and state machines belong to the class they were made from.</summary>
    public string Outermost => Name.Split('+')[0];

    public string Namespace => Outermost.Contains('.', StringComparison.Ordinal) ? Outermost[..Outermost.LastIndexOf('.')] : "";
}

/// <summary>Collects every type that a signature mentions, generic arguments included.</summary>
internal sealed class MentionedTypes : ISignatureTypeProvider<ImmutableList<MentionedType>, object?>
{
    private const byte ValueType = 0x11;

    public static MentionedTypes Provider { get; } = new();

    public static string NameOf(MetadataReader reader, EntityHandle type) =>
        type.Kind switch
        {
            HandleKind.TypeDefinition => NameOf(reader, (TypeDefinitionHandle)type),
            HandleKind.TypeReference => NameOf(reader, (TypeReferenceHandle)type),
            _ => "",
        };

    public static ImmutableList<MentionedType> Of(MetadataReader reader, EntityHandle type) =>
        type.Kind switch
        {
            HandleKind.TypeSpecification => reader.GetTypeSpecification((TypeSpecificationHandle)type).DecodeSignature(Provider, null),
            HandleKind.TypeDefinition or HandleKind.TypeReference when !type.IsNil => [new(NameOf(reader, type), false)],
            _ => [],
        };

    public ImmutableList<MentionedType> GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
        [new(NameOf(reader, handle), rawTypeKind == ValueType)];

    public ImmutableList<MentionedType> GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
        [new(NameOf(reader, handle), rawTypeKind == ValueType)];

    public ImmutableList<MentionedType> GetTypeFromSpecification(
        MetadataReader reader,
        object? context,
        TypeSpecificationHandle handle,
        byte rawTypeKind
    ) => reader.GetTypeSpecification(handle).DecodeSignature(this, context);

    public ImmutableList<MentionedType> GetGenericInstantiation(
        ImmutableList<MentionedType> genericType,
        ImmutableArray<ImmutableList<MentionedType>> typeArguments
    ) => genericType.AddRange(typeArguments.SelectMany(argument => argument));

    public ImmutableList<MentionedType> GetModifiedType(
        ImmutableList<MentionedType> modifier,
        ImmutableList<MentionedType> unmodifiedType,
        bool isRequired
    ) => modifier.AddRange(unmodifiedType);

    public ImmutableList<MentionedType> GetFunctionPointerType(MethodSignature<ImmutableList<MentionedType>> signature) =>
        signature.ReturnType.AddRange(signature.ParameterTypes.SelectMany(parameter => parameter));

    public ImmutableList<MentionedType> GetSZArrayType(ImmutableList<MentionedType> elementType) => elementType;

    public ImmutableList<MentionedType> GetArrayType(ImmutableList<MentionedType> elementType, ArrayShape shape) => elementType;

    public ImmutableList<MentionedType> GetByReferenceType(ImmutableList<MentionedType> elementType) => elementType;

    public ImmutableList<MentionedType> GetPointerType(ImmutableList<MentionedType> elementType) => elementType;

    public ImmutableList<MentionedType> GetPinnedType(ImmutableList<MentionedType> elementType) => elementType;

    public ImmutableList<MentionedType> GetPrimitiveType(PrimitiveTypeCode typeCode) => [];

    public ImmutableList<MentionedType> GetGenericMethodParameter(object? genericContext, int index) => [];

    public ImmutableList<MentionedType> GetGenericTypeParameter(object? genericContext, int index) => [];

    private static string NameOf(MetadataReader reader, TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        var outer = type.GetDeclaringType();
        return outer.IsNil
            ? Qualified(reader.GetString(type.Namespace), reader.GetString(type.Name))
            : $"{NameOf(reader, outer)}+{reader.GetString(type.Name)}";
    }

    private static string NameOf(MetadataReader reader, TypeReferenceHandle handle)
    {
        var type = reader.GetTypeReference(handle);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{NameOf(reader, (TypeReferenceHandle)type.ResolutionScope)}+{reader.GetString(type.Name)}"
            : Qualified(reader.GetString(type.Namespace), reader.GetString(type.Name));
    }

    private static string Qualified(string space, string name) => space.Length == 0 ? name : $"{space}.{name}";
}
