using System.Globalization;
using System.Text.Json;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>
/// A value of another tool's JSON and where it stands, so that what is wrong with it can be said. Faults are a FormatException.
/// </summary>
internal readonly struct ForeignValue(JsonElement element, string path)
{
    public ForeignValue Required(string name) => Find(name) ?? throw Fault($"'{name}' is missing");

    /// <summary>Null where it is missing or null.</summary>
    public ForeignValue? Find(string name) =>
        element.ValueKind != JsonValueKind.Object ? throw Fault("a group of fields is expected here")
        : element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new ForeignValue(value, path.Length == 0 ? name : $"{path}.{name}")
        : null;

    public string Text()
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            throw Fault("text is expected here");
        }

        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Fault("its text is not valid Unicode");
        }
    }

    public long Number(long min, long max) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var value) && value >= min && value <= max
            ? value
            : throw Fault(string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max} is expected here"));

    public DateTimeOffset Time() =>
        KafkaTime.ToDateTimeOffset(Number(0, long.MaxValue)) ?? throw Fault("a time in milliseconds is expected here");

    public IEnumerable<ForeignValue> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw Fault("a list is expected here");
        }

        var number = 0;
        foreach (var item in element.EnumerateArray())
        {
            yield return new ForeignValue(item, string.Create(CultureInfo.InvariantCulture, $"{path}[{number++}]"));
        }
    }

    public FormatException Fault(string problem) => new(path.Length == 0 ? problem : $"{path}: {problem}");
}
