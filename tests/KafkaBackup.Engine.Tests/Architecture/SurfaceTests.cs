namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>
/// PowerShell looks at the module's types before the engine's load context is hooked in: an engine type in the public surface, or an engine
/// value type in any field, makes the import fail.
/// </summary>
public class SurfaceTests
{
    private static readonly string[] BehindTheContext = ["KafkaBackup.Engine", "Confluent.Kafka", "Amazon", "YamlDotNet"];

    [Fact]
    public void No_engine_type_in_the_public_surface_of_the_module()
    {
        using var module = CompiledAssembly.Module();
        var leaks =
            from type in module.Types
            where type.IsVisible
            from mention in type.Surface
            where IsBehindTheContext(mention)
            select $"{type.Self.Name} shows {mention.Name}";

        Expect.None(leaks);
    }

    [Fact]
    public void No_engine_value_type_in_a_field_of_the_module()
    {
        using var module = CompiledAssembly.Module();
        var leaks =
            from type in module.Types
            where !type.IsCompilerMade
            from field in type.Fields
            from mention in field.Types
            where mention.IsValueType && IsBehindTheContext(mention)
            select $"{type.Self.Name}.{field.Name} holds {mention.Name}";

        Expect.None(leaks);
    }

    [Fact]
    public void Cmdlets_write_to_their_pipeline_only_and_the_engine_to_its_events_only()
    {
        foreach (var open in new[] { CompiledAssembly.Engine, CompiledAssembly.Model, CompiledAssembly.Module })
        {
            using var assembly = open();
            var talkers =
                from type in assembly.Types
                from mention in type.Mentions
                where mention.Name == "System.Console"
                select type.Self.Outermost;
            Expect.None(talkers);
        }
    }

    private static bool IsBehindTheContext(MentionedType type) =>
        BehindTheContext.Any(space => type.Namespace == space || type.Namespace.StartsWith(space + ".", StringComparison.Ordinal));
}
