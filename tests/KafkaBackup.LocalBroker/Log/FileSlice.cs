namespace KafkaBackup.LocalBroker.Log;

/// <summary>A range of a log file, kept readable until disposed even when the log has moved on to another file.</summary>
internal sealed class FileSlice : IDisposable
{
    private LogFile? _file;
    private readonly long _position;

    public FileSlice(LogFile file, long position, int length)
    {
        file.Retain();
        _file = file;
        _position = position;
        Length = length;
    }

    public int Length { get; }

    public void Read(int at, Span<byte> destination)
    {
        var file = _file ?? throw new ObjectDisposedException(nameof(FileSlice));
        file.Read(_position + at, destination);
    }

    public void Dispose() => Interlocked.Exchange(ref _file, null)?.Release();
}
