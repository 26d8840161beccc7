namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>"Did you mean": the known name with the fewest edits, unless it takes so many that it would be a guess.</summary>
internal static class NearestName
{
    public static string? Find(string name, IEnumerable<string> known)
    {
        var simple = Simplify(name);
        var limit = Math.Max(2, simple.Length / 3);
        return known
            .Select(candidate => (Candidate: candidate, Edits: Distance(simple, Simplify(candidate))))
            .Where(pair => pair.Edits <= limit && pair.Edits < Math.Max(simple.Length, 1))
            .OrderBy(pair => pair.Edits)
            .ThenBy(pair => pair.Candidate, StringComparer.Ordinal)
            .Select(pair => pair.Candidate)
            .FirstOrDefault();
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.</summary>
    internal static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            d[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            d[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replaced, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }

    // bootstrapServers and bootstrap-servers are no edits away from bootstrap_servers.
    private static string Simplify(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
}
