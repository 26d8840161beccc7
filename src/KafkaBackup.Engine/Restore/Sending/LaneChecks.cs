namespace KafkaBackup.Engine.Restore;

/// <summary>What both delivery modes check and say of a target partition.</summary>
internal static class LaneChecks
{
    /// <summary>The last of the first <paramref name="done"/> records must be what the target has at its end.</summary>
    public static Task RequireLastRecordAsync(
        RestoreScope scope,
        TargetLog log,
        RecordStream stream,
        TargetWork work,
        long start,
        long done,
        CancellationToken cancel
    ) => done == 0 ? Task.CompletedTask : RequireRecordAsync(scope, log, stream, work, done - 1, start + done - 1, cancel);

    /// <summary>The plan's record of that number must be what the target has at the offset.</summary>
    public static async Task RequireRecordAsync(
        RestoreScope scope,
        TargetLog log,
        RecordStream stream,
        TargetWork work,
        long index,
        long offset,
        CancellationToken cancel
    )
    {
        ExpectedRecord? expected = null;
        var originals = new OriginalHeaders();
        await PlanRecords
            .TestAsync(
                stream,
                index,
                (in Records.RecordView record) =>
                {
                    var extra = scope.Options.IncludeOriginalOffsetHeader ? originals.For(record.Offset, record.Timestamp) : default;
                    expected = new ExpectedRecord(record, extra, !work.TargetStampsRecords);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);
        if (expected is null || !await log.HoldsAsync(work.Target, offset, expected.IsIn, cancel).ConfigureAwait(false))
        {
            throw Changed(scope, work, $"the record at offset {offset} is not the one that this restore put there");
        }
    }

    public static KafkaBackupException Restless(RestoreScope scope, TargetWork work) =>
        Changed(scope, work, "it keeps growing, although this restore is not writing");

    public static KafkaBackupException Changed(RestoreScope scope, TargetWork work, string what) =>
        ErrorIds.TargetChanged.With(
            $"Target partition {work.Target} cannot be continued: {what}. Something else wrote to it, or it was emptied.",
            work.Target.ToString(),
            $"Find what wrote there and stop it; if it was another restore of this backup that is complete, there is nothing left to do. {BeginAgain.Advice(scope.Options)}"
        );

    public static KafkaBackupException Refused(TargetWork work, long before, SendFault fault) =>
        ErrorIds.TargetRefused.With(
            $"Target partition {work.Target} refuses the record with source offset {fault.SourceOffset}: {fault.Text.TrimEnd('.')}. "
                + FormattableString.Invariant($"The {before:N0} records before it are restored, none after it."),
            work.Target.ToString()
        );

    public static KafkaBackupException Unauthorized(TargetWork work) =>
        ErrorIds.ClusterUnauthorized.With(
            $"Writing to topic {work.Target.Topic} was refused.",
            work.Target.Topic,
            $"Grant this user WRITE and DESCRIBE on topic {work.Target.Topic}."
        );

    /// <param name="cause">The cluster goes on saying that it knows no such topic or partition.</param>
    public static KafkaBackupException Gone(RestoreScope scope, TargetWork work, KafkaBackupException cause) =>
        ErrorIds.TopicNotFound.With(
            $"Target partition {work.Target} does not exist any more.",
            work.Target.ToString(),
            $"Was the topic deleted? {BeginAgain.Advice(scope.Options)}",
            cause
        );

    /// <summary>Nobody may write here between the plan and the first record.</summary>
    public static void RequirePlannedEnd(RestoreScope scope, TargetWork work, IReadOnlyDictionary<TopicPartition, long> ends)
    {
        var (end, planned) = (ends[work.Target], scope.Work.PlannedEndOf(work, ends));
        if (end != planned)
        {
            throw ErrorIds.TargetChanged.With(
                $"Target partition {work.Target} has changed since this restore was planned: its log ended at offset {planned} then, and ends at offset {end} now.",
                work.Target.ToString(),
                "Stop what writes there, then run again: the restore is planned again, and says what the partition holds."
            );
        }
    }

    /// <summary>Nobody may write here between a record of this restore and the next.</summary>
    /// <param name="expected">Where this restore has put the last record.</param>
    public static void RequireEnd(RestoreScope scope, TargetWork work, long end, long expected, string when)
    {
        if (end != expected)
        {
            throw Changed(scope, work, $"its log ends at offset {end} {when}, and should end at {expected}");
        }
    }

    /// <summary>Behind the beginning of an open transaction no read_committed reader sees who wrote what.</summary>
    public static void RequireNoOpenTransaction(RestoreScope scope, TargetWork work, long from)
    {
        var what = $"a transaction of another producer is open from offset {from} on";
        if (!scope.Options.Force)
        {
            throw Changed(scope, work, what);
        }

        scope.Events.Warning(
            $"Target partition {work.Target}: {what}, so what was written behind that offset cannot be checked. The restore goes on, because -Force was given."
        );
    }

    /// <summary>
    /// Records that an interrupted run brought and that are deleted since are not brought again: their absence is not hidden.
    /// </summary>
    public static void RequireStart(RestoreScope scope, TargetWork work, long logStart, long start)
    {
        if (logStart <= start)
        {
            return;
        }

        var what =
            $"its log begins at offset {logStart} now, so records that this restore brought from offset {start} on have been deleted since (by retention, or with DeleteRecords)";
        if (!scope.Options.Force)
        {
            throw ErrorIds.TargetChanged.With(
                $"Target partition {work.Target} cannot be continued: {what}.",
                work.Target.ToString(),
                $"Look at the topic's retention settings, then go on without those records with -Force. {BeginAgain.Advice(scope.Options)}"
            );
        }

        scope.Events.Warning($"Target partition {work.Target}: {what}. The restore goes on, because -Force was given.");
    }
}
