using System.Globalization;

namespace KafkaBackup.Demo.Show;

/// <summary>Headings, sentences and tables on the console, for a reader in a hurry.</summary>
internal sealed class Screen(TextWriter writer)
{
    private int _acts;

    public void Act(string title)
    {
        writer.WriteLine();
        writer.WriteLine($"{++_acts}. {title}");
    }

    public void Say(string text) => writer.WriteLine($"   {text}");

    /// <summary>Columns as wide as their widest cell; numbers to the right.</summary>
    public void Table(string[] head, IEnumerable<object?[]> rows)
    {
        var cells = rows.Select(row => row.Select(Cell).ToArray()).ToList();
        var right = head.Select((_, i) => cells.TrueForAll(row => row[i].All(c => char.IsAsciiDigit(c) || c is ',' or '.'))).ToArray();
        var width = head.Select((title, i) => cells.Select(row => row[i].Length).Append(title.Length).Max()).ToArray();
        writer.WriteLine();
        Line(head);
        Line([.. width.Select(w => new string('-', w))]);
        cells.ForEach(Line);
        writer.WriteLine();

        void Line(string[] row) =>
            writer.WriteLine(
                "   " + string.Join("  ", row.Select((cell, i) => right[i] ? cell.PadLeft(width[i]) : cell.PadRight(width[i]))).TrimEnd()
            );
    }

    private static string Cell(object? value) =>
        value switch
        {
            null => "",
            int number => number.ToString("N0", CultureInfo.InvariantCulture),
            long number => number.ToString("N0", CultureInfo.InvariantCulture),
            TimeSpan time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00}s"),
            _ => value.ToString() ?? "",
        };
}
