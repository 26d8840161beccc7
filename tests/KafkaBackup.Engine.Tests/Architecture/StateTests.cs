namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>Two jobs share one process, and a session may import, remove and import again: nothing static may change.</summary>
public class StateTests
{
    /// <summary>Field, and why it may be.</summary>
    private static readonly IReadOnlyDictionary<string, string> Exceptions = new Dictionary<string, string>();

    private static readonly string[] ChangingTypes =
    [
        "List`1",
        "Dictionary`2",
        "HashSet`1",
        "Queue`1",
        "Stack`1",
        "SortedDictionary`2",
        "SortedSet`1",
        "LinkedList`1",
        "PriorityQueue`2",
        "ConcurrentDictionary`2",
        "ConcurrentQueue`1",
        "ConcurrentBag`1",
        "ConcurrentStack`1",
        "BlockingCollection`1",
        "ConditionalWeakTable`2",
        "StringBuilder",
        "Hashtable",
        "ArrayList",
    ];

    [Fact]
    public void No_static_field_can_change()
    {
        var changing = StaticFields()
            .Where(field => !field.Field.IsFixed && !Exceptions.ContainsKey(field.Name))
            .Select(field => field.Name);
        Expect.None(changing);
    }

    [Fact]
    public void No_static_field_holds_a_collection_that_can_change()
    {
        var changing = StaticFields()
            .Where(field =>
                field.Field.Types.Count > 0
                && ChangingTypes.Contains(field.Field.Types[0].Name.Split('.')[^1])
                && !Exceptions.ContainsKey(field.Name)
            );
        Expect.None(changing.Select(field => field.Name));
    }

    [Fact]
    public void Every_exception_is_still_needed() => Expect.None(Exceptions.Keys.Except(StaticFields().Select(field => field.Name)));

    [Fact]
    public void The_reader_sees_a_static_field_that_can_change()
    {
        using var tests = new CompiledAssembly(typeof(StateTests).Assembly.Location);
        var field = Fields(tests).Single(field => field.Name == $"{typeof(Offender).FullName}.s_count");
        Assert.False(field.Field.IsFixed);
    }

    private static IEnumerable<(string Name, CompiledField Field)> StaticFields()
    {
        foreach (var open in new[] { CompiledAssembly.Engine, CompiledAssembly.Model, CompiledAssembly.Module })
        {
            using var assembly = open();
            foreach (var field in Fields(assembly))
                yield return field;
        }
    }

    /// <summary>Caches of lambdas are the compiler's; the serialization contexts that a generator writes hold nothing of ours.</summary>
    private static IEnumerable<(string Name, CompiledField Field)> Fields(CompiledAssembly assembly) =>
        from type in assembly.Types
        where !type.IsCompilerMade && type.BaseType != "System.Text.Json.Serialization.JsonSerializerContext"
        from field in type.Fields
        where field.IsStatic
        select ($"{type.Self.Name}.{field.Name}", field);

    private static class Offender
    {
#pragma warning disable IDE1006 // named as offenders are
        private static int s_count;
#pragma warning restore IDE1006

        public static int Next() => ++s_count;
    }
}
