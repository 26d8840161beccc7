namespace KafkaBackup.Engine.Batches;

/// <summary>How the records of a batch are compressed: the lowest three bits of its attributes.</summary>
public enum BatchCodec : byte
{
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}
