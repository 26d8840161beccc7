namespace KafkaBackup.Engine.Format.Compression;

/// <summary>
/// zstd, as far as it is needed here, in the words of its own C interface. Both implementations write the same format and read each
/// other's. libzstd is used where the machine has one: on blocks of a megabyte ZstdSharp takes up to 1.2 times as long to compress and 1.2
/// to 1.3 times as long to decompress (FORMAT.md).
/// </summary>
internal abstract unsafe class ZstdLibrary
{
    public const int ParameterCompressionLevel = 100;

    private static readonly Lazy<ZstdLibrary> Shared = new(() => NativeZstd.Find() ?? (ZstdLibrary)new ManagedZstd());

    /// <summary>The faster one of those that work on this machine.</summary>
    public static ZstdLibrary Fastest => Shared.Value;

    public abstract nint CreateCompressor();

    public abstract void FreeCompressor(nint context);

    public abstract nuint SetParameter(nint context, int parameter, int value);

    public abstract nuint Compress(nint context, byte* target, nuint capacity, byte* source, nuint length);

    public abstract nint CreateDecompressor();

    public abstract void FreeDecompressor(nint context);

    public abstract nuint Decompress(nint context, byte* target, nuint capacity, byte* source, nuint length);

    public abstract nuint DecompressStream(nint context, ZstdBuffer* output, ZstdBuffer* input);

    public abstract bool IsError(nuint result);

    public abstract string ErrorName(nuint result);
}
