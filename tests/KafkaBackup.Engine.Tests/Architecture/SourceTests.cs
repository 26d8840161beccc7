using System.Text.RegularExpressions;
using KafkaBackup.Engine.Tests.Build;

namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>What can only be seen in the source itself.</summary>
public partial class SourceTests
{
    private const int ManyLines = 400;

    [Fact]
    public void No_file_is_longer_than_four_hundred_lines() =>
        Expect.None(Sources("src").Where(file => Lines(file) > ManyLines).Select(file => $"{Name(file)}: {Lines(file)} lines"));

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

    [Fact]
    public void Files_and_folders_are_named_for_what_they_hold() =>
        Assert.All(Sources("src", "build", "tests").Select(Name), name => Assert.DoesNotMatch(EmptyWord(), name));

    [Fact]
    public void Types_are_named_for_what_they_do()
    {
        foreach (var open in new[] { CompiledAssembly.Engine, CompiledAssembly.Model, CompiledAssembly.Module })
        {
            using var assembly = open();
            Expect.None(assembly.Types.Where(type => !type.IsCompilerMade && EmptyWord().IsMatch(type.Self.Name)).Select(type => type.Self.Name));
        }
    }

    internal static IEnumerable<string> Documents() => Directory.EnumerateFiles(BuildOutputs.RepositoryRoot, "*.md");

    internal static IEnumerable<string> Sources(params string[] folders) => folders.Select(FullPath).Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        .Where(file => Path.GetExtension(file) is ".cs" or ".ps1" or ".psm1" or ".sh" or ".md" or ".txt")
        .Where(file => !BuildFolder().IsMatch(file[BuildOutputs.RepositoryRoot.Length..]));

    private static IEnumerable<string> Found(string file, Regex pattern) => pattern.Matches(File.ReadAllText(file)).Select(match => $"{Name(file)}: {match.Value.Trim()}");

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

    [GeneratedRegex(@"(^|[\\/])(bin|obj)[\\/]")]
    private static partial Regex BuildFolder();
}
