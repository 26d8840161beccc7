using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Records;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>A KBAK segment's records one by one, out of its decompressed stream, held to what the header says of them.</summary>
internal sealed class KbakRecords(string place, ReadRange read, long length, KbakHeader header, CancellationToken cancel) : IDisposable
{
    private const long SmallFilesRecord = 28 << 20;
    private const int ChunkSize = 256 << 10;
    private readonly KbakPayload _payload = KbakPayload.Open(header.Compression);
    private readonly byte[] _stored = new byte[ChunkSize];
    private BlockBuffer _raw = BlockBuffer.OutsidePool(2 * ChunkSize);
    private HeaderSlice[] _headers = new HeaderSlice[16];
    private int _storedStart;
    private int _storedEnd;
    private long _nextRead = KbakHeader.Size;
    private int _rawStart;
    private int _rawEnd;
    private int _recordLength;
    private long _count;
    private long _lastOffset = -1;

    /// <summary>
    /// A record is held twice while it is turned into ours. This keeps both below 64 MiB and ten times the file: some kilobytes may
    /// decompress to gigabytes.
    /// </summary>
    private long LargestRecord => SmallFilesRecord + (4 * length);

    private long StoredRemaining => length - KbakHeader.FooterSize - _nextRead + _storedEnd - _storedStart;

    /// <summary>Goes to the next record; false at a proper end.</summary>
    public async ValueTask<bool> MoveNextAsync()
    {
        _rawStart += _recordLength;
        _recordLength = 0;
        if (!await HaveAsync(sizeof(uint)).ConfigureAwait(false))
        {
            CheckEnd();
            return false;
        }

        if (_count == header.RecordCount)
        {
            throw Damaged($"it holds more records than the {header.RecordCount} that its header says");
        }

        var size = ReadUInt32LittleEndian(_raw.GetSpan()[_rawStart..]);
        if (size > LargestRecord && size <= BlockHeader.MaxRawLength)
        {
            throw Damaged(
                $"record {_count} of it has {size} bytes, more than a compressed file of {length} bytes may claim ({LargestRecord})"
            );
        }

        if (size > BlockHeader.MaxRawLength - sizeof(uint) || !await HaveAsync(sizeof(uint) + (int)size).ConfigureAwait(false))
        {
            throw Damaged($"record {_count} of it reaches past the segment's end");
        }

        _recordLength = sizeof(uint) + (int)size;
        _count++;
        return true;
    }

    /// <summary>Offers the present record to a block; again, if need be.</summary>
    public unsafe AppendOutcome AppendTo(BlockBuilder builder, out long room)
    {
        var record = new KbakRecord(_raw.Pointer + _rawStart + sizeof(uint), _recordLength - sizeof(uint), _headers);
        var decoded = record.Decode();
        _headers = record.Headers;
        if (!decoded)
        {
            throw Damaged($"record {_count - 1} of it cannot be decoded");
        }

        var view = record.View;
        if (_count == 1 ? view.Offset != header.FirstOffset || view.Offset < 0 : view.Offset <= _lastOffset)
        {
            throw Damaged($"record {_count - 1} of it has offset {view.Offset}, which does not follow");
        }

        room = BlockBuilder.RoomFor(view);
        var outcome = builder.TryAppend(view);
        if (outcome == AppendOutcome.Added)
        {
            _lastOffset = view.Offset;
        }

        return outcome;
    }

    public void Dispose()
    {
        _payload.Dispose();
        ((IDisposable)_raw).Dispose();
    }

    private void CheckEnd()
    {
        try
        {
            _payload.CheckEnd();
        }
        catch (InvalidDataException damage)
        {
            throw Damaged(damage.Message);
        }

        if (_rawEnd != _rawStart)
        {
            throw Damaged("it ends inside a record");
        }

        if (_count != header.RecordCount || (_count > 0 && _lastOffset != header.LastOffset))
        {
            throw Damaged(
                $"it holds {_count} records up to offset {_lastOffset}, its header says {header.RecordCount} up to {header.LastOffset}"
            );
        }
    }

    /// <summary>Decompresses until so many bytes are there; false when the stream ends before.</summary>
    private async ValueTask<bool> HaveAsync(int count)
    {
        while (_rawEnd - _rawStart < count)
        {
            MakeRoom(count);
            if (_storedStart == _storedEnd)
            {
                await ReadStoredAsync().ConfigureAwait(false);
            }

            if (DecodeSome() == 0 && _storedStart == _storedEnd && StoredRemaining == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Room for at least one byte more. Grows by what has come, not by what a length claims.</summary>
    private void MakeRoom(int count)
    {
        if (_rawStart > 0 && _rawStart + (long)count > _raw.Capacity)
        {
            _raw.GetSpan()[_rawStart.._rawEnd].CopyTo(_raw.GetSpan());
            _rawEnd -= _rawStart;
            _rawStart = 0;
        }

        if (_rawEnd == _raw.Capacity)
        {
            var larger = BlockBuffer.OutsidePool((int)Math.Min(2L * _raw.Capacity, count));
            _raw.GetSpan().CopyTo(larger.GetSpan());
            ((IDisposable)_raw).Dispose();
            _raw = larger;
        }
    }

    private async ValueTask ReadStoredAsync()
    {
        var wanted = (int)Math.Min(_stored.Length, length - KbakHeader.FooterSize - _nextRead);
        if (wanted <= 0)
        {
            return;
        }

        var got = await read.ReadFullyAsync(_nextRead, _stored.AsMemory(0, wanted), cancel).ConfigureAwait(false);
        if (got < wanted)
        {
            throw KbakSegment.Damaged(place, DamageKind.Truncated, _nextRead + got, "the file is shorter than the store says");
        }

        _nextRead += got;
        _storedStart = 0;
        _storedEnd = got;
    }

    private int DecodeSome()
    {
        try
        {
            _payload.Decode(_stored.AsSpan(_storedStart.._storedEnd), _raw.GetSpan()[_rawEnd..], out var consumed, out var written);
            _storedStart += consumed;
            _rawEnd += written;
            return written + consumed;
        }
        catch (InvalidDataException damage)
        {
            throw Damaged("it cannot be decompressed: " + damage.Message);
        }
    }

    private SegmentDamagedException Damaged(string problem) =>
        KbakSegment.Damaged(place, DamageKind.Corrupt, _nextRead - (_storedEnd - _storedStart), problem);
}
