namespace KafkaBackup.Engine.Batches;

/// <summary>
/// What a walk over a batch's records found. Timestamps, payload and count are of the records that were asked for; a count of 0 leaves them
/// meaningless.
/// </summary>
/// <param name="PayloadBytes">Keys, values, header names and header values.</param>
/// <param name="LargestPayload">The payload of the largest record.</param>
/// <param name="LongestRecord">What the longest record takes, decompressed.</param>
/// <param name="ZeroTimestamps">Records stamped 0.</param>
public readonly record struct BatchFacts(
    int Records,
    long FirstOffset,
    long LastOffset,
    long SmallestTimestamp,
    long LargestTimestamp,
    long LastTimestamp,
    long PayloadBytes,
    long LargestPayload,
    int LongestRecord,
    int ZeroTimestamps
);
