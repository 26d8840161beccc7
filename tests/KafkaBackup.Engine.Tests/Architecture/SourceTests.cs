using System.Reflection;
using System.Text.RegularExpressions;
using KafkaBackup.Engine.Tests.Build;

namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>What can only be seen in the source itself.</summary>
public partial class SourceTests
{
    private const int ManyLines = 450;
    private const int LongestLine = 140;

    [Fact]
    public void No_file_is_much_longer_than_four_hundred_lines() =>
        Expect.None(Sources("src").Where(file => Lines(file) > ManyLines).Select(file => $"{Name(file)}: {Lines(file)} lines"));

    /// <summary>The formatter breaks everything but literals, which stay whole so that they can be searched for.</summary>
    [Fact]
    public void No_line_without_a_literal_is_longer_than_140_columns() =>
        Expect.None(
            Sources("src", "build", "tests")
                .Where(file => Path.GetExtension(file) is ".cs")
                .SelectMany(file => File.ReadLines(file).Select((line, index) => (Text: line, Place: $"{Name(file)}({index + 1})")))
                .Where(line => line.Text.Length > LongestLine && !line.Text.Contains('"', StringComparison.Ordinal))
                .Where(line => !line.Text.TrimStart().StartsWith('<'))
                .Select(line => line.Place)
        );

    /// <summary>SuiteFramework has the one limit that all share; an hour-long test may ask for more.</summary>
    [Fact]
    public void No_test_repeats_the_time_limit() => Expect.None(Sources("tests").SelectMany(file => Found(file, RepeatedLimit())));

    /// <summary>The runner knows IDisposable and IAsyncLifetime; what only IAsyncDisposable would remove stays behind.</summary>
    [Fact]
    public void Every_test_class_that_owns_something_is_cleaned_up_by_the_runner()
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        var forgotten = typeof(SourceTests)
            .Assembly.GetTypes()
            .Where(type => type.GetMethods().Any(method => method.GetCustomAttributes<FactAttribute>().Any()))
            .Where(type => !typeof(IAsyncLifetime).IsAssignableFrom(type))
            .Where(type =>
                typeof(IAsyncDisposable).IsAssignableFrom(type)
                || (
                    !typeof(IDisposable).IsAssignableFrom(type)
                    && type.GetFields(Own).Any(field => field.FieldType is var owned && Owns(owned) && !IsFixture(type, owned))
                )
            );
        Expect.None(forgotten.Select(type => type.FullName!));

        static bool Owns(Type type) =>
            type.Namespace?.StartsWith("KafkaBackup", StringComparison.Ordinal) == true
            && (typeof(IDisposable).IsAssignableFrom(type) || typeof(IAsyncDisposable).IsAssignableFrom(type));

        static bool IsFixture(Type test, Type owned) => test.GetInterfaces().Any(known => known.GenericTypeArguments.Contains(owned));
    }

    [Fact]
    public void Nothing_is_left_to_do() =>
        Expect.None(Sources("src", "build", "tests", "module", "examples").SelectMany(file => Found(file, LeftOver())));

    [Fact]
    public void No_catch_hides_a_failure() => Expect.None(Sources("src").SelectMany(file => Found(file, SilentCatch())));

    [Fact]
    public void Nothing_waits_by_sleeping()
    {
        foreach (var open in new[] { CompiledAssembly.Engine, CompiledAssembly.Model, CompiledAssembly.Module })
        {
            using var assembly = open();
            Assert.DoesNotContain(assembly.Types.SelectMany(type => type.Calls), call => call == "System.Threading.Thread::Sleep");
        }
    }

    /// <summary>It needs libdl.so, which current Debian lacks; the engine's resolver finds the library instead.</summary>
    [Fact]
    public void The_native_library_is_never_loaded_by_Confluents_own_loader()
    {
        using var engine = CompiledAssembly.Engine();
        Assert.DoesNotContain(engine.Types.SelectMany(type => type.Calls), call => call == "Confluent.Kafka.Library::Load");
    }

    /// <summary>Two places that spell one name can come to differ. Comments may show it.</summary>
    [Fact]
    public void Names_in_a_store_and_in_headers_are_spelled_in_one_place() =>
        Expect.None(
            Sources("src/KafkaBackup.Engine")
                .Where(file => Path.GetExtension(file) is ".cs" && !Name(file).Contains("/Rules/", StringComparison.Ordinal))
                .SelectMany(file => Found(file, SharedName()))
        );

    [Fact]
    public void Files_and_folders_are_named_for_what_they_hold() =>
        Assert.All(Sources("src", "build", "tests").Select(Name), name => Assert.DoesNotMatch(EmptyWord(), name));

    [Fact]
    public void Types_are_named_for_what_they_do()
    {
        foreach (var open in new[] { CompiledAssembly.Engine, CompiledAssembly.Model, CompiledAssembly.Module })
        {
            using var assembly = open();
            Expect.None(
                assembly.Types.Where(type => !type.IsCompilerMade && EmptyWord().IsMatch(type.Self.Name)).Select(type => type.Self.Name)
            );
        }
    }

    internal static IEnumerable<string> Documents() => Directory.EnumerateFiles(BuildOutputs.RepositoryRoot, "*.md");

    internal static IEnumerable<string> Sources(params string[] folders) =>
        folders
            .Select(FullPath)
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file) is ".cs" or ".ps1" or ".psm1" or ".sh" or ".md" or ".txt")
            .Where(file => !BuildFolder().IsMatch(file[BuildOutputs.RepositoryRoot.Length..]));

    private static IEnumerable<string> Found(string file, Regex pattern) =>
        pattern.Matches(File.ReadAllText(file)).Select(match => $"{Name(file)}: {match.Value.Trim()}");

    private static int Lines(string file) => File.ReadLines(file).Count();

    internal static string Name(string file) => Path.GetRelativePath(BuildOutputs.RepositoryRoot, file).Replace('\\', '/');

    private static string FullPath(string name) => Path.Combine(BuildOutputs.RepositoryRoot, name);

    // Put together from parts, or the patterns would find themselves.
    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK)\b")]
    private static partial Regex LeftOver();

    [GeneratedRegex(@"catch(\s*\(\s*(System\.)?Exception(\s+\w+)?\s*\))?\s*\{\s*\}")]
    private static partial Regex SilentCatch();

    [GeneratedRegex(@"(Utils?|Utilit(y|ies)|Helpers?|Managers?|Common)(?![a-z])")]
    private static partial Regex EmptyWord();

    [GeneratedRegex(@"(Fact|Theory)\([^)]*Timeout = (180_000|Limit|TestLimit)\b")]
    private static partial Regex RepeatedLimit();

    [GeneratedRegex(@"^(?!\s*//).*""[^""\r\n]*(manifest\.json|lock\.json|\.kbs|topics/|x-original-)", RegexOptions.Multiline)]
    private static partial Regex SharedName();

    [GeneratedRegex(@"(^|[\\/])(bin|obj)[\\/]")]
    private static partial Regex BuildFolder();
}
