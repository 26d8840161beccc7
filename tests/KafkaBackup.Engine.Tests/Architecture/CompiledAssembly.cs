using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using KafkaBackup.Engine.Tests.Build;

namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>An assembly as its file tells it. Nothing of it is loaded.</summary>
internal sealed class CompiledAssembly : IDisposable
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;

    public CompiledAssembly(string path)
    {
        _file = new PEReader(File.OpenRead(path));
        _metadata = _file.GetMetadataReader();
        Types = [.. _metadata.TypeDefinitions.Select(handle => new CompiledType(_file, _metadata, handle))];
    }

    public IReadOnlyList<CompiledType> Types { get; }

    public IReadOnlyList<string> References =>
        [.. _metadata.AssemblyReferences.Select(_metadata.GetAssemblyReference).Select(reference => _metadata.GetString(reference.Name))];

    public static CompiledAssembly Engine() => new(BuildOutputs.EngineAssembly);

    public static CompiledAssembly Model() => new(BuildOutputs.ModelAssembly);

    public static CompiledAssembly Module() => new(BuildOutputs.ModuleAssembly);

    public void Dispose() => _file.Dispose();
}

internal sealed class CompiledType(PEReader file, MetadataReader metadata, TypeDefinitionHandle handle)
{
    private readonly TypeDefinition _type = metadata.GetTypeDefinition(handle);

    /// <summary>The type itself, under the name of the source's class where the compiler made it.</summary>
    public MentionedType Self { get; } = new(MentionedTypes.NameOf(metadata, handle), false);

    public bool IsCompilerMade =>
        Self.Name.Split('.', '+').Any(part => part.StartsWith('<')) || Self.Namespace == "System.Text.RegularExpressions.Generated";

    public bool IsVisible
    {
        get
        {
            var visibility = _type.Attributes & TypeAttributes.VisibilityMask;
            return visibility
                is TypeAttributes.Public
                    or TypeAttributes.NestedPublic
                    or TypeAttributes.NestedFamily
                    or TypeAttributes.NestedFamORAssem;
        }
    }

    public string? BaseType => _type.BaseType.IsNil ? null : MentionedTypes.Of(metadata, _type.BaseType)[0].Name;

    public IEnumerable<CompiledField> Fields =>
        _type
            .GetFields()
            .Select(metadata.GetFieldDefinition)
            .Select(definition => new CompiledField(
                metadata.GetString(definition.Name),
                definition.Attributes,
                definition.DecodeSignature(MentionedTypes.Provider, null)
            ));

    /// <summary>Everything that code outside can see of it: bases, fields, methods, properties.</summary>
    public IEnumerable<MentionedType> Surface =>
        [
            .. _type.BaseType.IsNil ? [] : MentionedTypes.Of(metadata, _type.BaseType),
            .. Interfaces,
            .. Fields.Where(member => member.IsVisible).SelectMany(member => member.Types),
            .. Methods.Where(method => IsVisibleMember((int)(method.Attributes & MethodAttributes.MemberAccessMask))).SelectMany(Signature),
        ];

    /// <summary>Every type that it mentions anywhere, also inside its methods.</summary>
    public IEnumerable<MentionedType> Mentions =>
        [
            .. _type.BaseType.IsNil ? [] : MentionedTypes.Of(metadata, _type.BaseType),
            .. Interfaces,
            .. Fields.SelectMany(member => member.Types),
            .. Attributes(_type.GetCustomAttributes()),
            .. Methods.SelectMany(Signature),
            .. Methods.SelectMany(Body),
            .. _type.GetGenericParameters().SelectMany(Constraints),
        ];

    /// <summary>Methods that it calls, as Type::Method.</summary>
    public IEnumerable<string> Calls =>
        Methods
            .SelectMany(Instructions)
            .Where(token => token.Kind is HandleKind.MemberReference or HandleKind.MethodSpecification)
            .Select(token =>
                token.Kind == HandleKind.MethodSpecification
                    ? metadata.GetMethodSpecification((MethodSpecificationHandle)token).Method
                    : token
            )
            .Where(token => token.Kind == HandleKind.MemberReference)
            .Select(token => metadata.GetMemberReference((MemberReferenceHandle)token))
            .Select(member => $"{MentionedTypes.Of(metadata, member.Parent).FirstOrDefault().Name}::{metadata.GetString(member.Name)}");

    private IEnumerable<MethodDefinition> Methods => _type.GetMethods().Select(metadata.GetMethodDefinition);

    private IEnumerable<MentionedType> Interfaces =>
        _type
            .GetInterfaceImplementations()
            .Select(metadata.GetInterfaceImplementation)
            .SelectMany(item => MentionedTypes.Of(metadata, item.Interface));

    private static bool IsVisibleMember(int access) =>
        access is (int)MethodAttributes.Public or (int)MethodAttributes.Family or (int)MethodAttributes.FamORAssem;

    private static ImmutableList<MentionedType> Signature(MethodDefinition method)
    {
        var signature = method.DecodeSignature(MentionedTypes.Provider, null);
        return signature.ReturnType.AddRange(signature.ParameterTypes.SelectMany(parameter => parameter));
    }

    private IEnumerable<MentionedType> Body(MethodDefinition method)
    {
        if (method.RelativeVirtualAddress == 0)
            return [];
        var body = file.GetMethodBody(method.RelativeVirtualAddress);
        var locals = body.LocalSignature.IsNil
            ? ImmutableList<MentionedType>.Empty
            :
            [
                .. metadata
                    .GetStandaloneSignature(body.LocalSignature)
                    .DecodeLocalSignature(MentionedTypes.Provider, null)
                    .SelectMany(local => local),
            ];
        return [.. locals, .. Attributes(method.GetCustomAttributes()), .. Instructions(method).SelectMany(Mentioned)];
    }

    private IEnumerable<EntityHandle> Instructions(MethodDefinition method) =>
        method.RelativeVirtualAddress == 0 ? [] : InstructionTokens.In(file.GetMethodBody(method.RelativeVirtualAddress).GetILReader());

    private IEnumerable<MentionedType> Mentioned(EntityHandle token) =>
        token.Kind switch
        {
            HandleKind.MethodDefinition => [Owner(metadata.GetMethodDefinition((MethodDefinitionHandle)token).GetDeclaringType())],
            HandleKind.FieldDefinition => [Owner(metadata.GetFieldDefinition((FieldDefinitionHandle)token).GetDeclaringType())],
            HandleKind.MemberReference => MentionedTypes.Of(metadata, metadata.GetMemberReference((MemberReferenceHandle)token).Parent),
            HandleKind.MethodSpecification => Mentioned(metadata.GetMethodSpecification((MethodSpecificationHandle)token)),
            _ => MentionedTypes.Of(metadata, token),
        };

    private IEnumerable<MentionedType> Mentioned(MethodSpecification method) =>
        Mentioned(method.Method).Concat(method.DecodeSignature(MentionedTypes.Provider, null).SelectMany(argument => argument));

    private MentionedType Owner(TypeDefinitionHandle type) => new(MentionedTypes.NameOf(metadata, type), false);

    private IEnumerable<MentionedType> Attributes(CustomAttributeHandleCollection attributes) =>
        attributes.Select(metadata.GetCustomAttribute).SelectMany(attribute => Mentioned((EntityHandle)attribute.Constructor));

    private IEnumerable<MentionedType> Constraints(GenericParameterHandle parameter) =>
        metadata
            .GetGenericParameter(parameter)
            .GetConstraints()
            .Select(metadata.GetGenericParameterConstraint)
            .SelectMany(constraint => MentionedTypes.Of(metadata, constraint.Type));
}

internal sealed record CompiledField(string Name, FieldAttributes Attributes, ImmutableList<MentionedType> Types)
{
    public bool IsVisible =>
        (Attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    public bool IsStatic => Attributes.HasFlag(FieldAttributes.Static);

    public bool IsFixed => Attributes.HasFlag(FieldAttributes.InitOnly) || Attributes.HasFlag(FieldAttributes.Literal);
}
