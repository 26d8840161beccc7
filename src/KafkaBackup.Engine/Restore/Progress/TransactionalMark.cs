using System.Globalization;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What goes with each progress of the transactional mode, as the metadata of a committed offset: where the partition began, under which
/// settings, and with which plan.
/// </summary>
/// <param name="Start">The log's end before the first record.</param>
/// <param name="Partitions">How many target partitions the restore has: fewer marks are not the whole plan.</param>
/// <param name="Owner">Drawn by each run: whose last commit it was.</param>
/// <param name="Hash">Of the settings.</param>
/// <param name="Plan">The text that the plan came to, or a digest of it.</param>
internal sealed record TransactionalMark(long Start, int Partitions, string Owner, string Hash, string Plan)
{
    /// <summary>Stands where a restore ended well; it is no progress of anything.</summary>
    public const string Finished = "kafkabackup:3:finished";

    /// <summary>Brokers take 4,096 bytes of metadata unless they are told otherwise.</summary>
    private const int LongestPlan = 3000;

    private const char DigestSign = '#';

    /// <summary>Null where the plan was too large to be kept: then it has to come out the same again.</summary>
    public IReadOnlyList<PlannedSource>? Sources => Plan.StartsWith(DigestSign) ? null : Plan.Split(',').Select(ReadSource).ToArray();

    /// <summary>Null for what is no mark of a restore under way.</summary>
    public static TransactionalMark? Read(string metadata)
    {
        var parts = metadata.Split(':');
        return
            parts is ["kafkabackup", "3", var start, var partitions, var owner, var hash, var plan]
            && long.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            && int.TryParse(partitions, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? new TransactionalMark(offset, count, owner, hash, plan)
            : null;
    }

    /// <summary>Whether "the first n records" are the same ones in both plans.</summary>
    /// <param name="seen">What the mark said while planning: where that says what it takes, the plan follows it.</param>
    public bool IsOf(TargetWork target, string? seen) => (Plan == seen && Sources is not null) || Plan == PlanOf(target);

    public static KafkaBackupException OfOtherSettings(GroupOffset committed, RestoreOptions options) =>
        ErrorIds.CheckpointMismatch.With(
            $"Target partition {committed.Partition} holds {committed.Offset} records of a restore of backup '{options.BackupId}' with other settings.",
            committed.Partition.ToString(),
            $"Run with the settings that it began with. {BeginAgain.Advice(options)}"
        );

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"kafkabackup:3:{Start}:{Partitions}:{Owner}:{Hash}:{Plan}");

    /// <summary>No topic's name holds the characters that part these texts.</summary>
    public static string PlanOf(TargetWork target)
    {
        var plan = string.Join(
            ',',
            target.Sources.Select(s =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{s.Source.Topic}/{s.Source.Partition}/{s.RecordCount}{string.Concat(((OffsetSpan[])[.. s.Offsets is { } offsets ? [offsets] : Array.Empty<OffsetSpan>(), .. s.Choice.LeftOut]).Select(Text))}"
                )
            )
        );
        return plan.Length <= LongestPlan
            ? plan
            : DigestSign + RestoreFingerprint.HashOf(new Dictionary<string, string> { ["plan"] = plan });
    }

    private static string Text(OffsetSpan span) => string.Create(CultureInfo.InvariantCulture, $"/{span.First}+{span.Last - span.First}");

    private static PlannedSource ReadSource(string text)
    {
        var parts = text.Split('/');
        var spans = parts.Skip(3).Select(ReadSpan).ToArray();
        var records = long.Parse(parts[2], CultureInfo.InvariantCulture);
        return new PlannedSource(
            new TopicPartition(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture)),
            records == 0 ? null : spans[0],
            records,
            records == 0 ? [] : spans[1..],
            RestoredTo: -1
        );
    }

    private static OffsetSpan ReadSpan(string text)
    {
        var parts = text.Split('+');
        var first = long.Parse(parts[0], CultureInfo.InvariantCulture);
        return new OffsetSpan(first, first + long.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}
