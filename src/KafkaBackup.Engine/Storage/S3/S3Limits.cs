using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>The numbers of the S3 store.</summary>
public sealed record S3Limits : RemoteLimits
{
    public static S3Limits Default { get; } = new();

    /// <summary>
    /// The size of an upload's first parts; also the largest object that is sent in one request. Servers refuse parts under 5 MiB.
    /// </summary>
    public int PartSize { get; init; } = 8 << 20;

    /// <summary>No object may have more parts than this; part sizes grow so that objects of several TiB stay below it.</summary>
    public int MaxParts { get; init; } = 10_000;
}
