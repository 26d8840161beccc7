using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>What one answer, or an error, says of one partition, on its way to the thread that polls.</summary>
/// <param name="Lane">Where it was fetched; null when it was not.</param>
/// <param name="Answer">Whose memory <paramref name="Records"/> is; null for none.</param>
/// <param name="Facts">Null with a fault.</param>
internal sealed record FetchedPart(
    AssignedPartition Partition,
    BrokerLane? Lane,
    HeldAnswer? Answer,
    ReadOnlyMemory<byte> Records,
    IReadOnlyList<FetchedAbort> Aborted,
    LogFacts? Facts,
    ReadFault? Fault = null
);

/// <summary>An answer whose memory is in use until its last part was handed out.</summary>
internal sealed class HeldAnswer(FetchResponse response)
{
    public long Bytes { get; } = response.Buffer?.Memory.Length ?? 0;

    /// <summary>Parts that are not handed out yet; guarded by the scheduler's lock.</summary>
    public int Parts { get; set; }

    public void Release() => response.Dispose();
}
