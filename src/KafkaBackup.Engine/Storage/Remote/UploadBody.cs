namespace KafkaBackup.Engine.Storage.Remote;

/// <summary>
/// A request's body over memory that is already there. It can be rewound: the SDK reads it twice, once to sign and once to send.
/// </summary>
internal sealed class UploadBody : Stream
{
    private readonly ReadOnlyMemory<byte>[] _pieces;
    private readonly long _length;
    private int _piece;
    private int _inPiece;
    private long _position;

    /// <param name="pieces">All but the last have the same length.</param>
    public UploadBody(params ReadOnlyMemory<byte>[] pieces)
    {
        _pieces = pieces;
        foreach (var piece in pieces)
        {
            _length += piece.Length;
        }
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, _length);
            var pieceLength = _pieces.Length == 0 ? 1 : Math.Max(1, _pieces[0].Length);
            _piece = (int)(value / pieceLength);
            _inPiece = (int)(value % pieceLength);
            _position = value;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        while (_piece < _pieces.Length)
        {
            var rest = _pieces[_piece].Span[_inPiece..];
            if (rest.Length == 0)
            {
                _piece++;
                _inPiece = 0;
                continue;
            }

            var count = Math.Min(rest.Length, buffer.Length);
            rest[..count].CopyTo(buffer);
            _inPiece += count;
            _position += count;
            return count;
        }

        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) =>
        Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => _length + offset,
        };

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
