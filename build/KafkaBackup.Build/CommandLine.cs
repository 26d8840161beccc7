namespace KafkaBackup.Build;

/// <summary>A verb, options with one value each, and plain words.</summary>
internal sealed class CommandLine
{
    private readonly List<(string Name, string Value)> _options = [];

    private CommandLine(string verb) => Verb = verb;

    public string Verb { get; }

    public List<string> Words { get; } = [];

    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        if (args.Count == 0)
            throw new BuildStepException("name a step: stage, package, progress or count");
        var line = new CommandLine(args[0]);
        for (var i = 1; i < args.Count; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
                line.Words.Add(args[i]);
            else if (i + 1 == args.Count)
                throw new BuildStepException($"{args[i]} needs a value");
            else
                line._options.Add((args[i], args[++i]));
        }

        return line;
    }

    public string Required(string name) => Optional(name) ?? throw new BuildStepException($"{Verb} needs {name}");

    public string? Optional(string name) => All(name).LastOrDefault();

    public IEnumerable<string> All(string name) => _options.Where(option => option.Name == name).Select(option => option.Value);
}
