namespace KafkaBackup.Engine.Restore;

/// <summary>What both delivery modes check and say of a target partition.</summary>
internal static class LaneChecks
{
    /// <summary>The last of the first <paramref name="done"/> records must be what the target has at its end.</summary>
    public static Task RequireLastRecordAsync(
        RestoreScope scope, TargetLog log, RecordStream stream, TargetWork work, long start, long done, CancellationToken cancel) =>
        done == 0 ? Task.CompletedTask : RequireRecordAsync(scope, log, stream, work, done - 1, start + done - 1, cancel);

    /// <summary>The plan's record of that number must be what the target has at the offset.</summary>
    public static async Task RequireRecordAsync(
        RestoreScope scope, TargetLog log, RecordStream stream, TargetWork work, long index, long offset, CancellationToken cancel)
    {
        ExpectedRecord? expected = null;
        var originals = new OriginalHeaders();
        await PlanRecords.TestAsync(
            stream, index,
            (in Records.RecordView record) =>
            {
                var extra = scope.Options.IncludeOriginalOffsetHeader ? originals.For(record.Offset, record.Timestamp) : default;
                expected = new ExpectedRecord(record, extra, !work.TargetStampsRecords);
                return true;
            },
            cancel).ConfigureAwait(false);
        if (expected is null || !await log.HoldsAsync(work.Target, offset, expected.IsIn, cancel).ConfigureAwait(false))
        {
            throw Changed(work, $"the record at offset {offset} is not the one that this restore put there");
        }
    }

    public static KafkaBackupException Restless(TargetWork work) => Changed(work, "it keeps growing, although this restore is not writing");

    public static KafkaBackupException Changed(TargetWork work, string what) => ErrorIds.TargetChanged.With(
        $"Target partition {work.Target} cannot be continued: {what}. Something else wrote to it, or it was emptied.", work.Target.ToString());

    public static KafkaBackupException Refused(TargetWork work, long before, SendFault fault) => ErrorIds.TargetRefused.With(
        $"Target partition {work.Target} refuses the record with source offset {fault.SourceOffset}: {fault.Text.TrimEnd('.')}. "
        + $"The {before} records before it are restored, none after it.", work.Target.ToString());

    public static KafkaBackupException Unauthorized(TargetWork work) => ErrorIds.ClusterUnauthorized.With(
        $"Writing to topic {work.Target.Topic} was refused.", work.Target.Topic, $"Grant this user WRITE and DESCRIBE on topic {work.Target.Topic}.");

    public static KafkaBackupException Gone(TargetWork work, SendFault fault) => ErrorIds.TopicNotFound.With(
        $"Target partition {work.Target} is not there any more: {fault.Text.TrimEnd('.')}.", work.Target.ToString());
}
