namespace KafkaBackup.Engine.Tests.Architecture;

internal static class Expect
{
    /// <summary>Fails with every offender on a line of its own; xunit's own message shows the beginnings of five.</summary>
    public static void None(IEnumerable<string> offenders)
    {
        var all = offenders.Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(all.Count == 0, string.Join('\n', all));
    }
}
