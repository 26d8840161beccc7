using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace KafkaBackup.Build.Settings;

/// <summary>Writes the parts of three assemblies that follow from src/settings.table, each when that assembly is compiled.</summary>
[Generator]
public sealed class SettingsGenerator : IIncrementalGenerator
{
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var tables = context
            .AdditionalTextsProvider.Where(file => Path.GetFileName(file.Path) == "settings.table")
            .Select((file, cancel) => file.GetText(cancel)!.ToString());
        var assembly = context.CompilationProvider.Select((compilation, _) => compilation.AssemblyName);
        context.RegisterSourceOutput(
            tables.Combine(assembly),
            (output, input) => output.AddSource("Settings.g.cs", Write(SettingsTable.Read(input.Left), input.Right!))
        );
    }

    private static string Write(SettingsTable table, string assembly)
    {
        var jobs = table.Groups.Where(group => group.IsJob).ToList();
        var text = new StringBuilder("#nullable enable\n");
        switch (assembly)
        {
            case "KafkaBackup.Model":
                text.Append("namespace KafkaBackup;\n");
                jobs.ForEach(job => Settings(text, job));
                break;
            case "KafkaBackup.Engine":
                text.Append("using KafkaBackup.Engine.Rules;\nnamespace KafkaBackup.Engine.Configuration\n{\n");
                jobs.ForEach(job => Options(text, job));
                jobs.ForEach(job => Resolver(text, job));
                jobs.ForEach(job => Merge(text, job));
                jobs.ForEach(job => Fingerprint(text, job));
                text.Append("}\nnamespace KafkaBackup.Engine.Configuration.Schema\n{\n");
                jobs.ForEach(job => Keys(text, table, job));
                text.Append("}\n");
                break;
            default:
                text.Append("using System.Management.Automation;\nusing KafkaBackup.Binding;\n");
                foreach (var group in table.Groups)
                    Parameters(text, group);
                break;
        }

        return text.ToString();
    }

    private static void Settings(StringBuilder text, SettingsGroup job) =>
        Class(
            text,
            $"public sealed partial record {job.Classes[0]}",
            Properties(job).Select(row => $"public {Kind.Of(row).Type(row)}? {row.Property} {{ get; init; }}")
        );

    private static void Options(StringBuilder text, SettingsGroup job) =>
        Class(
            text,
            $"public sealed partial record {job.Classes[1]}",
            Properties(job)
                .Where(row => !row.Has("own option"))
                .Select(row =>
                    Kind.Default(row) is { Length: > 0 } value
                        ? $"public {Kind.Of(row).Type(row)} {row.Property} {{ get; init; }} = {value};"
                        : $"public {Kind.Of(row).Type(row)}? {row.Property} {{ get; init; }}"
                )
        );

    /// <summary>Checked values over defaults.</summary>
    private static void Resolver(StringBuilder text, SettingsGroup job) =>
        Class(
            text,
            "public sealed partial class OptionsResolver",
            [
                $"private {job.Classes[1]} Fill({job.Classes[1]} defaults, {job.Classes[0]} settings) => defaults with {{",
                .. Properties(job)
                    .Where(row => !row.Has("own option") && !row.Has("own check"))
                    .Select(row => $"    {row.Property} = {Kind.Of(row).Check(row)} ?? defaults.{row.Property},"),
                "};",
            ]
        );

    private static void Merge(StringBuilder text, SettingsGroup job) =>
        Class(
            text,
            "internal static partial class SettingsMerge",
            [
                $"private static {job.Classes[0]} MergeRows({job.Classes[0]} given, {job.Classes[0]} file) => given with {{",
                .. Properties(job)
                    .Select(row =>
                        $"    {row.Property} = given.{row.Property} ?? {(row.Remark("merge") is { } own ? own + "(given, file)" : "file." + row.Property)},"
                    ),
                "};",
            ]
        );

    private static void Fingerprint(StringBuilder text, SettingsGroup job)
    {
        var rows = job.Settings.Where(row => row.Remark("fingerprint") is not null).ToList();
        if (rows.Count > 0)
            Class(
                text,
                "public sealed partial class RestoreFingerprint",
                [
                    $"private static System.Collections.Generic.IEnumerable<(string Key, string Value)> Rows({job.Classes[1]} options) => [",
                    .. rows.Select(row =>
                        $"    (\"{LastPart(row.Key)}\", Canonical(options.{(row.Remark("fingerprint") is { Length: > 0 } named ? named : row.Property)})),"
                    ),
                    "];",
                ]
            );
    }

    private static void Keys(StringBuilder text, SettingsTable table, SettingsGroup job) =>
        Class(
            text,
            "internal static partial class JobSections",
            [
                $"private static Section<{job.Classes[0]}> {job.Classes[0]}Rows => new Section<{job.Classes[0]}>()",
                .. job
                    .Settings.Where(row => row.Key.Length > 0 && !row.Has("own key"))
                    .Select(row =>
                        $"    .With(\"{LastPart(row.Key)}\", {Kind.Of(row).Form(row)}, (s, v) => s with {{ {row.Property} = v }}, {Help(table, job, row)})"
                    ),
                ";",
            ]
        );

    private static void Parameters(StringBuilder text, SettingsGroup group)
    {
        var rows = group.Settings.Where(row => row.Parameter.Length > 0).ToList();
        foreach (var cmdlet in group.Classes.Skip(group.IsJob ? 2 : 0))
        {
            var lines = rows.Select(row => $"{Kind.Of(row).Parameter(row)} {{ get; set; }}");
            if (group.IsJob)
                lines =
                [
                    .. lines,
                    $"/// <summary>What was given.</summary>\ninternal {group.Classes[0]} BoundSettings => new() {{",
                    .. rows.Select(row => $"    {row.Property} = {Kind.Of(row).Bind(row)},"),
                    "};",
                ];
            text.Append($"namespace KafkaBackup.{(group.IsJob ? "Commands" : "Pipeline")}\n{{\n");
            Class(text, $"partial class {cmdlet}", lines);
            text.Append("}\n");
        }
    }

    private static string Help(SettingsTable table, SettingsGroup job, Setting row) =>
        SymbolDisplay.FormatLiteral(row.Parameter.Length > 0 ? table.HelpOf(job.Pages[0], row.Parameter)! : row.HelpText, quote: true);

    private static IEnumerable<Setting> Properties(SettingsGroup job) => job.Settings.Where(row => row.Property.Length > 0);

    private static string LastPart(string key) => key.Substring(key.LastIndexOf('.') + 1);

    private static void Class(StringBuilder text, string head, IEnumerable<string> lines) =>
        text.Append($"{head}\n{{\n{string.Join("\n", lines)}\n}}\n");
}
