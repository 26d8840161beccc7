using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Format.Compression;

/// <summary>A compression context, used again and again: making one costs more than compressing a block.</summary>
internal sealed unsafe class ZstdCompressor : SafeHandle
{
    private readonly ZstdLibrary _library;

    public ZstdCompressor(int level, ZstdLibrary? library = null)
        : base(0, ownsHandle: true)
    {
        _library = library ?? ZstdLibrary.Fastest;
        SetHandle(_library.CreateCompressor());
        if (IsInvalid)
        {
            throw new InsufficientMemoryException("zstd could not make a compression context.");
        }

        Check(_library.SetParameter(handle, ZstdLibrary.ParameterCompressionLevel, level));
    }

    public override bool IsInvalid => handle == 0;

    public nuint Compress(byte* source, nuint length, byte* target, nuint capacity)
    {
        var written = _library.Compress(handle, target, capacity, source, length);
        Check(written);
        return written;
    }

    protected override bool ReleaseHandle()
    {
        _library.FreeCompressor(handle);
        return true;
    }

    private void Check(nuint result)
    {
        if (_library.IsError(result))
        {
            throw new InvalidOperationException($"zstd: {_library.ErrorName(result)}");
        }
    }
}

/// <summary>A decompression context. What it reads may be hostile: it never writes past the room it is given.</summary>
internal sealed unsafe class ZstdDecompressor : SafeHandle
{
    private readonly ZstdLibrary _library;

    public ZstdDecompressor(ZstdLibrary? library = null)
        : base(0, ownsHandle: true)
    {
        _library = library ?? ZstdLibrary.Fastest;
        SetHandle(_library.CreateDecompressor());
        if (IsInvalid)
        {
            throw new InsufficientMemoryException("zstd could not make a decompression context.");
        }
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Null when the source is whole frames that give exactly the target's length; else what is wrong.</summary>
    public string? Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (
            byte* from = source,
                to = target
        )
        {
            var written = _library.Decompress(handle, to, (nuint)target.Length, from, (nuint)source.Length);
            return _library.IsError(written) ? _library.ErrorName(written)
                : written != (nuint)target.Length ? $"it has {written} bytes, not {target.Length}"
                : null;
        }
    }

    /// <summary>
    /// One step of a stream of unknown length. Throws InvalidDataException for damage. Returns true when a frame has ended.
    /// </summary>
    public bool DecompressPart(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
    {
        fixed (
            byte* from = source,
                to = target
        )
        {
            var input = new ZstdBuffer { Memory = from, Size = (nuint)source.Length };
            var output = new ZstdBuffer { Memory = to, Size = (nuint)target.Length };
            var hint = _library.DecompressStream(handle, &output, &input);
            if (_library.IsError(hint))
            {
                throw new InvalidDataException(_library.ErrorName(hint));
            }

            consumed = (int)input.Position;
            written = (int)output.Position;
            return hint == 0;
        }
    }

    protected override bool ReleaseHandle()
    {
        _library.FreeDecompressor(handle);
        return true;
    }
}

/// <summary>ZSTD_inBuffer and ZSTD_outBuffer, which have one shape.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ZstdBuffer
{
    public byte* Memory;
    public nuint Size;
    public nuint Position;
}
