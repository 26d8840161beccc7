using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>The numbers of the Azure store.</summary>
public sealed record AzureLimits : RemoteLimits
{
    public static AzureLimits Default { get; } = new();

    /// <summary>The size of an upload's blocks; also the largest object that is sent in one request.</summary>
    public int BlockSize { get; init; } = 4 << 20;

    /// <summary>What Azure allows: with blocks of this size, objects of about 195 GiB.</summary>
    public int MaxBlocks { get; init; } = 50_000;
}
