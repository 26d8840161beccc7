namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>
/// Who may know whom, read from the compiled code. The table is the architecture: change it only together with ARCHITECTURE.md.
/// </summary>
public class ArrowTests
{
    private const string EngineNamespace = "KafkaBackup.Engine";

    /// <summary>The engine's front door: KafkaEngine.</summary>
    private const string Facade = "(facade)";

    /// <summary>What else lies beside it: what the engine takes from outside, and planned operations.</summary>
    private const string Seams = "(seams)";

    private static readonly string[] Ground =
    [
        "Rules",
        "Records",
        "Batches",
        "Pacing",
        "Configuration",
        "Cluster",
        "Format",
        "Storage",
        "Catalog",
        Seams,
    ];

    private static readonly IReadOnlyDictionary<string, string[]> MayKnow = new Dictionary<string, string[]>
    {
        ["Rules"] = [],
        ["Records"] = ["Rules"],
        ["Batches"] = [],
        ["Wire"] = [],
        ["Configuration"] = ["Rules", "Storage"],
        ["Pacing"] = [],
        ["Health"] = [],
        ["Cluster"] = ["Records", "Batches", "Wire"],
        ["Format"] = ["Records", "Batches", "Rules"],
        ["Storage"] = ["Records", "Rules"],
        [Seams] = ["Cluster", "Storage"],
        ["Catalog"] = ["Records", "Format", "Storage", "Rules"],
        ["Verify"] = Ground,
        ["Backup"] = [.. Ground, "Health"],
        ["Compare"] = Ground,
        ["Browse"] = Ground,
        ["Restore"] = [.. Ground, "Verify", "Health"],
        [Facade] = [.. Ground, "Verify", "Backup", "Browse", "Compare", "Restore"],
    };

    [Fact]
    public void Arrows_between_rooms_go_one_way()
    {
        using var engine = CompiledAssembly.Engine();
        var wrong = Arrows(engine)
            .Where(arrow => MayKnow.TryGetValue(arrow.From.Room, out var known) && !known.Contains(arrow.To.Room))
            .Select(arrow => $"{arrow.From.Type} ({arrow.From.Room}) knows {arrow.To.Type} ({arrow.To.Room})");

        Expect.None(wrong);
    }

    [Fact]
    public void Every_room_has_its_place_in_the_table()
    {
        using var engine = CompiledAssembly.Engine();
        var rooms = engine.Types.Select(type => Room(type.Self)).OfType<string>().Distinct();

        Expect.None(rooms.Except(MayKnow.Keys));
    }

    [Fact]
    public void The_table_has_no_circles()
    {
        var placed = new List<string>();
        while (MayKnow.FirstOrDefault(room => !placed.Contains(room.Key) && room.Value.All(placed.Contains)) is { Key: not null } next)
            placed.Add(next.Key);

        Expect.None(MayKnow.Keys.Except(placed));
    }

    [Fact]
    public void Model_depends_on_nothing_but_the_runtime()
    {
        using var model = CompiledAssembly.Model();
        Assert.All(model.References, reference => Assert.StartsWith("System.", reference, StringComparison.Ordinal));
    }

    [Fact]
    public void No_PowerShell_in_the_engine()
    {
        using var engine = CompiledAssembly.Engine();
        Assert.DoesNotContain(engine.References, reference => reference.Contains("Automation", StringComparison.Ordinal));
    }

    [Fact]
    public void The_module_itself_knows_no_third_party_assembly()
    {
        using var module = CompiledAssembly.Module();
        Assert.All(
            module.References.Where(reference => !reference.StartsWith("System.", StringComparison.Ordinal)),
            reference => Assert.Contains(reference, (string[])["KafkaBackup.Model", "KafkaBackup.Engine"])
        );
    }

    [Fact]
    public void The_reader_sees_what_only_a_method_body_mentions()
    {
        using var tests = new CompiledAssembly(typeof(ArrowTests).Assembly.Location);
        var mentions = tests
            .Types.Where(type => type.Self.Outermost == typeof(Example).FullName)
            .SelectMany(type => type.Mentions)
            .Select(type => type.Name)
            .ToList();

        Assert.Contains("System.Text.StringBuilder", mentions);
        Assert.Contains("System.Collections.Generic.Stack`1", mentions);
        Assert.Contains("System.Globalization.CultureInfo", mentions);
    }

    private static IEnumerable<((string Type, string Room) From, (string Type, string Room) To)> Arrows(CompiledAssembly engine) =>
        from type in engine.Types
        let room = Room(type.Self)
        where room is not null
        from mention in type.Mentions
        let other = Room(mention)
        where other is not null && other != room
        select ((type.Self.Outermost, room), (mention.Outermost, other));

    private static string? Room(MentionedType type) =>
        type.Outermost == $"{EngineNamespace}.KafkaEngine" ? Facade
        : type.Namespace == EngineNamespace ? Seams
        : type.Namespace.StartsWith(EngineNamespace + ".", StringComparison.Ordinal)
            ? type.Namespace[(EngineNamespace.Length + 1)..].Split('.')[0]
        : null;
}

/// <summary>Mentions types in method bodies only, one of them in a closure and one in an iterator.</summary>
internal static class Example
{
    public static string Build(int number)
    {
        Func<object> later = () => new System.Text.StringBuilder(number);
        return later().ToString() + string.Join(',', Numbers());
    }

    private static IEnumerable<string> Numbers()
    {
        var stack = new Stack<int>([1, 2]);
        while (stack.TryPop(out var next))
            yield return next.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
