namespace KafkaBackup.Engine.Batches.Codecs;

/// <summary>
/// Decompresses the records part of one batch after another, piece by piece. Every fault in the data is a
/// <see cref="BatchDamagedException"/>. Holds memory that does not depend on what the data claim.
/// </summary>
internal interface IRecordDecompressor : IDisposable
{
    void Open(ReadOnlyMemory<byte> compressed);

    /// <summary>Bytes written, 0 at the end and never otherwise. <paramref name="destination"/> is not empty.</summary>
    int Read(Span<byte> destination);
}
