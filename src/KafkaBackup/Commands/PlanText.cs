using System.Globalization;
using KafkaBackup.Formatting;

namespace KafkaBackup.Commands;

/// <summary>Plans in words: what -WhatIf prints and -Confirm asks about.</summary>
internal static class PlanText
{
    private const int ShownErrors = 10;

    public static string Of(BackupPlan plan)
    {
        var partitions = plan.Topics.Sum(topic => topic.Partitions.Count);
        var amount = plan.Continuous ? "and go on until stopped" : Count(plan.OffsetCount, "record") + " at most";
        var cut = plan.ConsistentAtMs is { } cutAt ? $", cut at {Display.Time(cutAt)}" : "";
        var what = plan.IsNew ? $"as the new backup '{plan.BackupId}'" : $"into the backup '{plan.BackupId}' that is there";
        return Lines(
            $"Back up {Count(plan.Topics.Count, "topic")} ({Count(partitions, "partition")}, {amount}{cut}) {what} in {plan.Path}",
            plan.Topics.Select(topic => $"{topic.Topic}: {Count(topic.Partitions.Count, "partition")}")
        );
    }

    public static string Of(IReadOnlyList<RestoreReport> reports, string? target)
    {
        var lines = reports.Select(report =>
        {
            var head =
                $"Restore {Count(report.RecordCount, "record")} ({Display.Bytes(report.Bytes)}) of {Count(report.TopicCount, "topic")} from backup "
                + $"'{report.BackupId}' in {report.Path}{(target is null ? "" : $" to {target}")}";
            var window =
                report.FromTimeMs is { } from && report.ToTimeMs is { } to
                    ? [$"records from {Display.Time(from)} to {Display.Time(to)}"]
                    : Array.Empty<string>();
            return Lines(head, [.. report.Topics.Select(Of), .. window, .. report.ConsumerOffsetActions]);
        });
        return string.Join(Environment.NewLine, lines);
    }

    public static string Of(RepairResult plan) => Lines($"Repair backup '{plan.BackupId}' in {plan.Path}", plan.Actions);

    public static string Of(IReadOnlyList<RemovalResult> plans) =>
        string.Join(
            Environment.NewLine,
            plans.Select(plan =>
                $"Remove {What(plan)} '{plan.BackupId}' from {plan.Path}: {Count(plan.ObjectsRemoved, "object")}, {Display.Bytes(plan.BytesFreed)}"
            )
        );

    public static string Of(ConsumerOffsetPlan plan, string target) =>
        Lines(
            $"Put back {Count(plan.Changes.Count, "committed offset")} of consumer groups on {target}",
            plan.Changes.Select(change =>
                $"{change.Group} {change.Topic}/{change.Partition}: {Offset(change.OldOffset)} -> {Offset(change.NewOffset)}"
            )
        );

    /// <summary>A plan with errors is not asked about, not even under -WhatIf: it cannot be carried out.</summary>
    public static void RefuseInvalid(IReadOnlyList<RestoreReport> reports)
    {
        var invalid = reports.Where(report => report.Status == ReportStatus.Invalid).ToArray();
        if (invalid.Length == 0)
            return;

        var errors = invalid.SelectMany(report => report.Findings).Where(finding => finding.Severity == FindingSeverity.Error).ToArray();
        var more = errors.Length > ShownErrors ? [$"and {errors.Length - ShownErrors} more"] : Array.Empty<string>();
        var ids = string.Join(", ", invalid.Select(report => $"'{report.BackupId}'"));
        var force = errors.Length > 0 && errors.All(error => error.CanForce) ? " Or use -Force to restore nevertheless." : "";
        throw ErrorIds.RestoreInvalid.With(
            Lines(
                $"The restore of {ids} can't be done. Nothing was written.",
                [.. errors.Take(ShownErrors).Select(error => $"{error.Place}: {error.Message} {error.Advice}"), .. more]
            ),
            ids,
            ErrorIds.RestoreInvalid.Advice + force
        );
    }

    private static string Of(RestoreTopicPlan topic) =>
        $"{topic.Topic} -> {topic.TargetTopic}{(topic.Create ? " (to be created)" : topic.Purge ? " (ITS RECORDS ARE DELETED FIRST)" : "")}: {Count(topic.Partitions.Count, "partition")}, {Count(topic.RecordCount, "record")}";

    private static string What(RemovalResult plan) =>
        plan.WholeBackup ? "backup"
        : plan.ObjectsRemoved == plan.LeftoversRemoved ? "the leftovers of interrupted runs and removals, but no run, of backup"
        : plan.LeftoversRemoved > 0 ? $"old runs and {Count(plan.LeftoversRemoved, "leftover")} of backup"
        : "old runs of backup";

    private static string Offset(long? offset) => offset?.ToString(CultureInfo.InvariantCulture) ?? "none";

    private static string Count(long count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    private static string Lines(string head, IEnumerable<string> details) => string.Join(Environment.NewLine + "  ", details.Prepend(head));
}
