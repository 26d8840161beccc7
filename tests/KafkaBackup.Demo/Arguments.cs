namespace KafkaBackup.Demo;

/// <summary>Named arguments of a command: <c>--name value</c>.</summary>
internal static class Arguments
{
    public const int UsageError = 64;

    /// <returns>Null, and the usage on the error stream, when one is missing or unknown.</returns>
    public static IReadOnlyDictionary<string, string>? Read(string[] given, string usage, params string[] names)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < given.Length; i += 2)
        {
            found[given[i]] = given[i + 1];
        }

        if (given.Length % 2 == 0 && names.All(found.ContainsKey) && found.Count == names.Length)
        {
            return found;
        }

        Fail($"Usage: {usage}");
        return null;
    }

    public static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return UsageError;
    }
}
