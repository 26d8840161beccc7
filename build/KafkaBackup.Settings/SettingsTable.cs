using System;
using System.Collections.Generic;
using System.Linq;

namespace KafkaBackup.Build.Settings;

/// <summary>src/settings.table as it is written; its head says what the columns mean.</summary>
internal sealed class SettingsTable
{
    private const int Columns = 6;

    private SettingsTable(IReadOnlyList<SettingsGroup> groups) => Groups = groups;

    public IReadOnlyList<SettingsGroup> Groups { get; }

    /// <exception cref="FormatException">With the line's number.</exception>
    public static SettingsTable Read(string text)
    {
        var groups = new List<SettingsGroup>();
        var lines = text.Replace("\r", "").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.Length == 0)
                groups.LastOrDefault()?.Settings.LastOrDefault()?.Help.Add("");
            else if (line[0] == ' ')
                Last(groups, i).Help.Add(line.Substring(4));
            else if (line[0] == '[')
                groups.Add(SettingsGroup.Read(line.Trim('[', ']')));
            else if (line[0] != '#')
                (groups.LastOrDefault() ?? throw Mistake(i, "a setting stands before the first [group]")).Settings.Add(Row(line, i));
        }

        return new SettingsTable(groups);
    }

    /// <summary>The help of a cmdlet's parameter, default included, as Markdown; null for one that the table does not have.</summary>
    public string? HelpOf(string cmdlet, string parameter)
    {
        var found = Groups
            .Where(group => group.Pages.Count == 0 || group.Pages.Contains(cmdlet))
            .SelectMany(group => group.Settings)
            .Where(setting => setting.Parameter == parameter)
            .ToList();
        return found.FirstOrDefault(setting => setting.HelpText.Length > 0) is { } text
            ? string.Join("\n\n", new[] { text.HelpText, found[0].ShownDefault }.Where(part => part.Length > 0))
            : null;
    }

    private static Setting Last(List<SettingsGroup> groups, int line) =>
        groups.LastOrDefault()?.Settings.LastOrDefault() ?? throw Mistake(line, "help stands before the first setting");

    private static Setting Row(string line, int number)
    {
        var cells = line.Split('|').Select(cell => cell.Trim()).Select(cell => cell == "-" ? "" : cell).ToList();
        if (cells.Count > Columns)
            throw Mistake(number, $"a setting has {Columns} columns at most");
        cells.AddRange(Enumerable.Repeat("", Columns - cells.Count));
        return new Setting(cells);
    }

    private static FormatException Mistake(int line, string what) => new($"settings.table, line {line + 1}: {what}");
}

/// <summary>[name: classes; help of cmdlets]</summary>
internal sealed class SettingsGroup
{
    private SettingsGroup(string name, IReadOnlyList<string> classes, IReadOnlyList<string> pages)
    {
        Name = name;
        Classes = classes;
        Pages = pages;
    }

    public string Name { get; }

    /// <summary>The settings' class and the options', where the group is a job; then the cmdlets' classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The cmdlets whose help it is; empty for every cmdlet that has the parameters.</summary>
    public IReadOnlyList<string> Pages { get; }

    public List<Setting> Settings { get; } = [];

    public bool IsJob => Classes.Count == 3;

    public static SettingsGroup Read(string head)
    {
        var parts = head.Split(';');
        var names = parts[0].Split(':');
        return new SettingsGroup(
            names[0].Trim(),
            names.Length > 1 ? List(names[1]) : [],
            parts.Length > 1 ? List(parts[1].Replace("help of", "")) : []
        );
    }

    private static List<string> List(string text) => [.. text.Split(',').Select(item => item.Trim())];
}

internal sealed class Setting(IReadOnlyList<string> cells)
{
    private readonly string[] _remarks = [.. cells[5].Split(',').Select(remark => remark.Trim())];

    public string Key => cells[0];

    public string Property => cells[1];

    public string Parameter => cells[2].Replace("not ", "").TrimStart('-');

    /// <summary>The switch says the opposite of the setting.</summary>
    public bool IsInverse => cells[2].StartsWith("not ", StringComparison.Ordinal);

    public string Kind => cells[3].Split(' ')[0];

    /// <summary>The limits of a number, or the enumeration of a choice.</summary>
    public string KindArgument => cells[3].Substring(Kind.Length).Trim();

    private bool IsOnlyShown => cells[4].Length > 0 && cells[4][0] == '"';

    /// <summary>The default without what is only shown.</summary>
    public string Default => IsOnlyShown ? cells[4].Split('"')[2].Trim() : cells[4];

    public List<string> Help { get; } = [];

    /// <summary>Lines joined to paragraphs; items of a list stay lines of their own.</summary>
    public string HelpText =>
        string.Join("\n", Help)
            .Trim()
            .Replace("\n\n", "\f")
            .Replace("\n- ", "\v")
            .Replace("\n  ", " ")
            .Replace("\n", " ")
            .Replace("\v", "\n- ")
            .Replace("\f", "\n\n");

    public string ShownDefault =>
        IsOnlyShown ? $"Default: {cells[4].Split('"')[1]}."
        : Default.Length == 0 || Kind is "bool" or "topic-map" or "partition-map" or "name-patterns" ? ""
        : $"Default: {Default}{Unit}.";

    public bool Has(string remark) => _remarks.Contains(remark);

    /// <summary>What follows a remark; null without the remark.</summary>
    public string? Remark(string name) =>
        _remarks.FirstOrDefault(remark => remark.StartsWith(name, StringComparison.Ordinal))?.Substring(name.Length).Trim();

    private string Unit =>
        Kind switch
        {
            "seconds" => "s",
            "milliseconds" => "ms",
            "bytes" => "B",
            _ => "",
        };
}
